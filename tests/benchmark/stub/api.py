"""The API server's answers: method and URL in, status and JSON out. No sockets here."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qsl

from .store import Object, RefusedError, Store

_BUILT_IN = {
    "v1": "configmaps:ConfigMap secrets:Secret services:Service serviceaccounts:ServiceAccount pods:Pod"
    " namespaces:Namespace! nodes:Node!",
    "apps/v1": "deployments:Deployment daemonsets:DaemonSet statefulsets:StatefulSet",
    "rbac.authorization.k8s.io/v1": "roles:Role rolebindings:RoleBinding clusterroles:ClusterRole!"
    " clusterrolebindings:ClusterRoleBinding!",
    "networking.k8s.io/v1": "networkpolicies:NetworkPolicy",
    "apiextensions.k8s.io/v1": "customresourcedefinitions:CustomResourceDefinition!",
    "apiregistration.k8s.io/v1": "apiservices:APIService!",
    "batch/v1": "jobs:Job",
}


class Api:
    """Answers for one cluster."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def answer(self, method: str, target: str, body: bytes, headers: dict[str, str]) -> tuple[int, Object]:
        path, _mark, query = target.partition("?")
        params = dict(parse_qsl(query, keep_blank_values=True))
        try:
            discovery = self._discovery(path) if method == "GET" else None
            if discovery is not None:
                return 200, discovery
            return self._route(method, _without_status(path), params, json.loads(body) if body else {}, headers)
        except RefusedError as error:
            return error.status, status_of(error.status, error.reason, error.message)

    def kinds(self, version: str) -> list[Object]:
        """The APIResourceList of a group version; custom ones come from the stored definitions."""
        found = []
        for entry in _BUILT_IN.get(version, "").split():
            plural, kind = entry.rstrip("!").split(":")
            found.append(_resource(plural, kind, not entry.endswith("!")))
        for obj in list(self.store.objects.values()):
            if obj["kind"] == "CustomResourceDefinition":
                spec = obj["spec"]
                if version in [f"{spec['group']}/{v['name']}" for v in spec["versions"]]:
                    names = spec["names"]
                    found.append(_resource(names["plural"], names["kind"], spec["scope"] == "Namespaced"))
        return found

    def _groups(self) -> list[str]:
        custom = {
            f"{o['spec']['group']}/{v['name']}"
            for o in self.store.objects.values()
            if o["kind"] == "CustomResourceDefinition"
            for v in o["spec"]["versions"]
        }
        return sorted({*(v for v in _BUILT_IN if "/" in v), *custom})

    def _discovery(self, path: str) -> Object | None:
        if path == "/version":
            return {"major": "1", "minor": "36", "gitVersion": "v1.36.3"}
        if path == "/api":
            return {"kind": "APIVersions", "versions": ["v1"]}
        if path == "/apis":
            groups = []
            for entry in self._groups():
                group, version = entry.split("/")
                served = {"groupVersion": entry, "version": version}
                groups.append({"name": group, "versions": [served], "preferredVersion": served})
            return {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}
        parts = path.strip("/").split("/")
        version = (
            "v1" if parts == ["api", "v1"] else "/".join(parts[1:]) if parts[0] == "apis" and len(parts) == 3 else ""
        )
        if version and (version == "v1" or version in self._groups()):
            return {"kind": "APIResourceList", "groupVersion": version, "resources": self.kinds(version)}
        return None

    def locate(self, path: str) -> tuple[str, bool]:
        """(kind, whether ``path`` is a collection); RefusedError 404 for what is not served."""
        parts = path.strip("/").split("/")
        rest = parts[2:] if parts[0] == "api" else parts[3:]
        version = "/".join(parts[1:2] if parts[0] == "api" else parts[1:3])
        if rest[:1] == ["namespaces"] and len(rest) > 2:
            rest = rest[2:]
        kinds = {entry["name"]: entry["kind"] for entry in self.kinds(version)}
        if not rest or rest[0] not in kinds or len(rest) > 2:
            raise RefusedError(404, "NotFound", "the server could not find the requested resource")
        return kinds[rest[0]], len(rest) == 1

    def _route(
        self, method: str, path: str, params: dict[str, str], body: Object, headers: dict[str, str]
    ) -> tuple[int, Object]:
        kind, collection = self.locate(path)
        dry_run = bool(params.get("dryRun") or body.get("dryRun")) if method != "GET" else False
        if collection:
            if method == "POST":
                path = f"{path}/{body['metadata']['name']}"
                if path in self.store.objects:
                    raise RefusedError(409, "AlreadyExists", f"{path} already exists")
                return 201, self.store.put(path, body, dry_run=dry_run)
            return 200, self.listing(path, kind, params, headers.get("accept", ""))
        if method == "GET":
            return 200, self.store.require(path)
        if method == "DELETE":
            uid = (body.get("preconditions") or {}).get("uid", "")
            return 200, self.store.delete(path, uid, dry_run=dry_run)
        if method == "PUT":
            return 200, self.store.put(path, body, dry_run=dry_run)
        return self._patch(path, params, body, headers.get("content-type", ""), dry_run)

    def _patch(
        self, path: str, params: dict[str, str], body: Object, content_type: str, dry_run: bool
    ) -> tuple[int, Object]:
        manager = params.get("fieldManager", "unknown")
        if "apply-patch" not in content_type:
            return 200, self.store.patch(path, body, manager, dry_run=dry_run)
        parts = path.split("/")
        if "namespaces" in parts[:-2]:
            namespace = parts[parts.index("namespaces") + 1]
            if f"/api/v1/namespaces/{namespace}" not in self.store.objects:
                raise RefusedError(404, "NotFound", f'namespaces "{namespace}" not found')
        force = params.get("force") == "true"
        obj, made = self.store.apply(path, body, manager, force=force, dry_run=dry_run)
        return (201 if made else 200), obj

    def listing(self, path: str, kind: str, params: dict[str, str], accept: str) -> Object:
        """A LIST with label and name selectors, pages and the metadata-only form."""
        items = [o for p, o in sorted(self.store.objects.items()) if self.selected(path, kind, params, p, o)]
        first = int(params.get("continue") or 0)
        limit = int(params.get("limit") or len(items) or 1)
        metadata: Object = {"resourceVersion": str(self.store.version)}
        if first + limit < len(items):
            metadata["continue"] = str(first + limit)
        # a real LIST does not say of each item what it is
        page = [{k: v for k, v in o.items() if k not in ("apiVersion", "kind")} for o in items[first : first + limit]]
        if "PartialObjectMetadataList" in accept:
            page = [{"metadata": item["metadata"]} for item in page]
            return {
                "kind": "PartialObjectMetadataList",
                "apiVersion": "meta.k8s.io/v1",
                "metadata": metadata,
                "items": page,
            }
        return {"kind": f"{kind}List", "apiVersion": "v1", "metadata": metadata, "items": page}

    def selected(self, collection: str, kind: str, params: dict[str, str], path: str, obj: Object) -> bool:
        """Whether an object is in a collection (of one namespace, or of all) and matches the selectors."""
        if obj["kind"] != kind or not _inside(collection, path):
            return False
        labels = obj["metadata"].get("labels") or {}
        for term in filter(None, params.get("labelSelector", "").split(",")):
            key, equal, value = term.partition("=")
            if (labels.get(key) != value) if equal else (key not in labels):
                return False
        name = params.get("fieldSelector", "")
        return not name or name == f"metadata.name={obj['metadata']['name']}"


def _without_status(path: str) -> str:
    """The object's own path: its status is written like the rest of it."""
    parts = path.split("/")
    rest = parts[3:] if parts[1] == "api" else parts[4:]
    return path.removesuffix("/status") if len(rest) - 2 * (rest[0] == "namespaces") == 3 else path


def _inside(collection: str, path: str) -> bool:
    if path.rsplit("/", 1)[0] == collection:
        return True
    base, plural = collection.rsplit("/", 1)
    return path.startswith(f"{base}/namespaces/") and path.rsplit("/", 2)[1] == plural


def _resource(plural: str, kind: str, namespaced: bool) -> Object:
    verbs = ["create", "delete", "get", "list", "patch", "update", "watch"]
    return {"name": plural, "singularName": kind.lower(), "kind": kind, "namespaced": namespaced, "verbs": verbs}


def status_of(code: int, reason: str, message: str) -> dict[str, Any]:
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "status": "Failure",
        "code": code,
        "reason": reason,
        "message": message,
    }
