# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One cluster's API: the verbs we need, over one keep-alive pool, within one deadline."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import AsyncGenerator, Mapping
from types import TracebackType
from typing import Any

from . import paths
from .access import Access, resolve
from .errors import ApiError, Unreachable
from .paths import Resource
from .session import Session
from .types import ClusterRef, Listing, Object

FIELD_MANAGER = "clusterset.fabric"
APPLY = "application/apply-patch+yaml"
MERGE = "application/merge-patch+json"
_encode = json.JSONEncoder(separators=(",", ":")).encode
_METADATA = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"


class Client:
    """Requests to one API server. Use as an async context manager; made by :func:`open_client`.

    ``lanes`` is how many requests at once are worth their connections; the fleet lowers it when many clusters share
    the process.
    """

    def __init__(self, access: Access, *, deadline: float, lanes: int = 16) -> None:
        self.ref: ClusterRef = access.ref
        self.access = access
        self.lanes = lanes
        self.session = Session(access, deadline=deadline, connections=lanes + 4)
        self._resources: dict[tuple[str, str], Resource] = {}

    async def __aenter__(self) -> Client:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Drop the connections."""
        await self.session.close()

    @property
    def ca(self) -> str:
        """PEM text of the authority by which the server is verified; "" = the system's bundle."""
        return self.session.ca

    @property
    def requests(self) -> int:
        """How many requests were sent, retries included."""
        return self.session.requests

    @property
    def remaining(self) -> float:
        """Seconds left of the deadline; may be negative."""
        return self.session.ends - asyncio.get_running_loop().time()

    async def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: Any = None,
        content_type: str | None = None,
        accept: str | None = None,
        timeout: float | None = None,
    ) -> Any:
        """Send one request and return the decoded JSON; repeated with jitter where that does no harm.

        :param path: absolute, unescaped. :param body: encoded as JSON unless bytes.
        :param timeout: seconds of one try (60), never longer than what the deadline leaves.
        :raises ApiError: an error status. :raises Unreachable: no answer.
        """
        answer = await self.exchange(method, path, params, body, content_type, accept, timeout)
        return answer[1]

    async def exchange(
        self,
        method: str,
        path: str,
        params: Mapping[str, str] | None = None,
        body: Any = None,
        content_type: str | None = None,
        accept: str | None = None,
        timeout: float | None = None,
    ) -> tuple[int, Any]:
        """Like :meth:`request`, with the status: 201 tells that something was made."""
        data = body if body is None or isinstance(body, bytes) else _encode(body).encode()
        headers = {"Accept": accept or "application/json"}
        if data is not None:
            headers["Content-Type"] = content_type or "application/json"
        return await self.session.call(method, self.session.url(path, params), headers, data, timeout)

    async def get(self, path: str, **params: str) -> Object:
        """Return one object, or a whole list with its metadata."""
        found: Object = await self.request("GET", path, params=params)
        return found

    async def try_get(self, path: str, **params: str) -> Object | None:
        """Like :meth:`get`, but None when there is no such object (or no such kind)."""
        try:
            return await self.get(path, **params)
        except ApiError as error:
            if error.status == 404:
                return None
            raise

    async def list(
        self,
        path: str,
        *,
        label_selector: str = "",
        field_selector: str = "",
        metadata_only: bool = False,
        limit: int = 500,
    ) -> Listing:
        """Return all items of a collection, fetched in pages of ``limit``."""
        params = {"limit": str(limit)}
        if label_selector:
            params["labelSelector"] = label_selector
        if field_selector:
            params["fieldSelector"] = field_selector
        items = Listing()
        while True:
            page = await self.request("GET", path, params=params, accept=_METADATA if metadata_only else None)
            items.extend(page.get("items") or ())
            metadata = page.get("metadata") or {}
            items.resource_version = metadata.get("resourceVersion", "")
            if not metadata.get("continue"):
                return items
            params["continue"] = metadata["continue"]

    async def apply(self, obj: Object, *, dry_run: bool = False, force: bool = True) -> Object:
        """Server-side apply of one object with our field manager; returns it as stored (or as it would be).

        ``force`` takes over fields that another manager holds; without it such a conflict is ApiError 409.
        """
        return (await self.applied(obj, dry_run=dry_run, force=force))[1]

    async def applied(self, obj: Object, *, dry_run: bool = False, force: bool = True) -> tuple[bool, Object]:
        """Like :meth:`apply`, and whether the object was made by it."""
        params = {"fieldManager": FIELD_MANAGER, "force": "true" if force else "false"}
        if dry_run:
            params["dryRun"] = "All"
        status, stored = await self.exchange("PATCH", await self.path_of(obj), params, obj, APPLY)
        return status == 201, stored

    async def delete(
        self, target: Object | str, *, propagation: str = "Background", dry_run: bool = False, uid: str = ""
    ) -> bool:
        """Delete an object, given itself or its path. False when it was not there (or no longer has that ``uid``)."""
        path = target if isinstance(target, str) else await self.path_of(target)
        options: Object = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": propagation}
        if dry_run:
            options["dryRun"] = ["All"]
        if uid:
            options["preconditions"] = {"uid": uid}
        try:
            await self.request("DELETE", path, body=options)
        except ApiError as error:
            if error.status == 404 or (uid and error.status == 409):
                return False
            raise
        return True

    async def watch(
        self,
        path: str,
        *,
        label_selector: str = "",
        field_selector: str = "",
        resource_version: str = "",
        timeout: float = 300.0,
    ) -> AsyncGenerator[tuple[str, Object], None]:
        """Yield (ADDED, MODIFIED, DELETED or BOOKMARK; object) until ``timeout`` seconds or the server ends it.

        A server that ends it early is no error: list again and go on from there. An expired ``resource_version``
        is ApiError 410.
        """
        seconds = max(1.0, min(timeout, self.remaining))
        params = {"watch": "true", "allowWatchBookmarks": "true", "timeoutSeconds": str(math.ceil(seconds))}
        wanted = {"labelSelector": label_selector, "fieldSelector": field_selector, "resourceVersion": resource_version}
        params.update({key: value for key, value in wanted.items() if value})
        async for event in self.session.stream(self.session.url(path, params), seconds):
            kind, obj = str(event["type"]), event["object"]
            if kind == "ERROR":
                code, reason, message = obj.get("code"), obj.get("reason"), obj.get("message")
                raise ApiError(
                    self.ref.name, int(code or 500), str(reason or ""), str(message or ""), method="WATCH", path=path
                )
            yield kind, obj

    def learn(self, definition: Object) -> None:
        """Remember the kinds of a CustomResourceDefinition, so that they need no discovery."""
        self._resources.update(paths.of_definition(definition))

    async def resource_path(self, api_version: str, kind: str, namespace: str, name: str = "") -> str:
        """Path of an object, or of its collection; unknown kinds cost one discovery request per group version.

        :raises ApiError: 404, the cluster does not serve this kind (its CRD is missing).
        """
        return paths.build(api_version, await self.resource(api_version, kind), namespace, name)

    async def resource(self, api_version: str, kind: str) -> Resource:
        """How ``kind`` is served; see :meth:`resource_path`."""
        known = self._resources.get((api_version, kind)) or paths.RESOURCES.get((api_version, kind))
        if known:
            return known
        served = await self.get(paths.group_path(api_version))
        for entry in served.get("resources") or ():
            if "/" not in entry["name"]:
                self._resources[api_version, entry["kind"]] = Resource(entry["name"], bool(entry["namespaced"]))
        if (api_version, kind) not in self._resources:
            raise ApiError(
                self.ref.name,
                404,
                "NotFound",
                f"{api_version} has no kind {kind}",
                method="GET",
                path=paths.group_path(api_version),
            )
        return self._resources[api_version, kind]

    async def path_of(self, obj: Object) -> str:
        """Path of a manifest's object; a namespaced one without a namespace belongs to ``default``."""
        metadata = obj["metadata"]
        resource = await self.resource(obj["apiVersion"], obj["kind"])
        namespace = metadata.get("namespace") or ("default" if resource.namespaced else "")
        return paths.build(obj["apiVersion"], resource, namespace, metadata["name"])


async def open_client(ref: ClusterRef, *, deadline: float, lanes: int = 16) -> Client:
    """Resolve the credentials of ``ref`` and return a client for it; no request is sent yet.

    :param deadline: seconds for everything that is done with this client; ``math.inf`` for a long-lived one.
    :raises Unreachable: the kubeconfig, the context or the credential's source is at fault.
    """
    loop = asyncio.get_running_loop()
    started = loop.time()
    try:
        async with asyncio.timeout(None if math.isinf(deadline) else deadline):
            access = await resolve(ref)
    except TimeoutError as error:
        raise Unreachable(
            ref.name,
            f"its credential was not there within {deadline:.0f} s.",
            fix="run the credential plugin of its kubeconfig context by hand.",
            cause=error,
            lasting=True,
        ) from error
    return Client(access, deadline=deadline - (loop.time() - started), lanes=lanes)
