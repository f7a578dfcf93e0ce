"""What an API server keeps: objects by path, with server-side apply that knows a change from a repetition."""

from __future__ import annotations

import copy
import hashlib
import json
import time
import uuid
from collections.abc import Callable
from typing import Any

Object = dict[str, Any]
_VOLATILE = ("managedFields", "resourceVersion", "uid", "generation", "creationTimestamp")


class RefusedError(Exception):
    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.status, self.reason, self.message = status, reason, message


class Store:
    """Objects by path ('/api/v1/namespaces/default/configmaps/a'), and who wants to hear of changes."""

    def __init__(self) -> None:
        self.objects: dict[str, Object] = {}
        self.applied: dict[tuple[str, str], Object] = {}
        self.version = 100
        self.writes = 0
        self.listeners: list[Callable[[str, str, Object], None]] = []
        for name in ("default", "kube-system"):
            self.put(
                f"/api/v1/namespaces/{name}", {"kind": "Namespace", "apiVersion": "v1", "metadata": {"name": name}}
            )
        self.writes = 0

    def digest(self, ignore: Callable[[str], bool] = lambda path: False) -> str:
        """Of all that is stored, less what every server makes up by itself."""
        return hashlib.sha256(
            json.dumps(
                {p: _plain(o) for p, o in sorted(self.objects.items()) if not ignore(p)}, sort_keys=True
            ).encode()
        ).hexdigest()

    def put(self, path: str, obj: Object, *, dry_run: bool = False) -> Object:
        """Store ``obj``; the same content again changes nothing, not even its resourceVersion."""
        live = self.objects.get(path)
        if live is not None and _plain(live) == _plain(obj):
            return live
        obj = copy.deepcopy(obj)
        metadata = obj.setdefault("metadata", {})
        old = live["metadata"] if live else {}
        metadata["uid"] = old.get("uid") or str(uuid.uuid4())
        metadata["creationTimestamp"] = old.get("creationTimestamp") or _now()
        if "spec" in obj:  # the others have no generations, as in a real cluster
            metadata["generation"] = old.get("generation", 0) + (live is None or live.get("spec") != obj["spec"])
        if dry_run:
            return obj
        self.version += 1
        self.writes += 1
        metadata["resourceVersion"] = str(self.version)
        self.objects[path] = obj
        self._tell("MODIFIED" if live else "ADDED", path, obj)
        return obj

    def apply(self, path: str, body: Object, manager: str, *, force: bool, dry_run: bool) -> tuple[Object, bool]:
        """Server-side apply: (the object, whether it was made)."""
        live = self.objects.get(path)
        body = copy.deepcopy(body)
        body["metadata"].pop("managedFields", None)
        key = (path, manager)
        merged = copy.deepcopy(live) if live else {}
        if live and not force:
            self._conflicts(path, manager, live, body)
        _remove(merged, self.applied.get(key, {}), body)
        _merge(merged, body)
        if body["kind"] == "CustomResourceDefinition":
            merged.setdefault("status", {})["conditions"] = [{"type": "Established", "status": "True"}]
        if live is None or _plain(live) != _plain(merged):
            entries = [e for e in (live or {}).get("metadata", {}).get("managedFields", ()) if e["manager"] != manager]
            entries.append({"manager": manager, "operation": "Apply", "apiVersion": body["apiVersion"], "time": _now()})
            merged["metadata"]["managedFields"] = entries
        if not dry_run:
            self.applied[key] = body
        return self.put(path, merged, dry_run=dry_run), live is None

    def patch(self, path: str, body: Object, manager: str, *, dry_run: bool = False) -> Object:
        """JSON merge patch."""
        live = self.require(path)
        merged = copy.deepcopy(live)
        _merge(merged, body)
        if _plain(merged) != _plain(live):
            entries = [e for e in merged["metadata"].get("managedFields", ()) if e["manager"] != manager]
            entries.append({"manager": manager, "operation": "Update", "time": _now()})
            merged["metadata"]["managedFields"] = entries
        return self.put(path, merged, dry_run=dry_run)

    def delete(self, path: str, uid: str, *, dry_run: bool = False) -> Object:
        live = self.require(path)
        if uid and live["metadata"]["uid"] != uid:
            raise RefusedError(409, "Conflict", "the uid in the precondition does not match")
        if not dry_run:
            gone = [p for p in self.objects if p == path or (live["kind"] == "Namespace" and p.startswith(path + "/"))]
            for each in gone:
                obj = self.objects.pop(each)
                self.version += 1
                self.writes += 1
                self._tell("DELETED", each, obj)
            self.applied = {key: value for key, value in self.applied.items() if key[0] in self.objects}
        return live

    def require(self, path: str) -> Object:
        if path not in self.objects:
            raise RefusedError(404, "NotFound", f"{path.rsplit('/', 1)[-1]!r} not found")
        return self.objects[path]

    def _tell(self, kind: str, path: str, obj: Object) -> None:
        for listener in list(self.listeners):
            listener(kind, path, obj)

    def _conflicts(self, path: str, manager: str, live: Object, body: Object) -> None:
        others = [m for p, m in self.applied if p == path and m != manager]
        for other in others:
            theirs = self.applied[path, other]
            for field in ("data", "spec"):
                for name, value in (body.get(field) or {}).items():
                    if name in (theirs.get(field) or {}) and live[field].get(name) != value:
                        raise RefusedError(409, "Conflict", f'conflict with "{other}": .{field}.{name}')


def _plain(obj: Object) -> Object:
    metadata = {key: value for key, value in obj.get("metadata", {}).items() if key not in _VOLATILE}
    return {**obj, "metadata": metadata}


def _merge(into: Object, new: Object) -> None:
    for key, value in new.items():
        if isinstance(value, dict) and isinstance(into.get(key), dict):
            _merge(into[key], value)
        elif value is None:
            into.pop(key, None)
        else:
            into[key] = copy.deepcopy(value)


def _remove(merged: Object, before: Object, after: Object) -> None:
    """What this manager applied before and does not apply any more goes away."""
    for key, value in before.items():
        if key not in after:
            merged.pop(key, None)
        elif isinstance(value, dict) and isinstance(after[key], dict) and isinstance(merged.get(key), dict):
            _remove(merged[key], value, after[key])


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
