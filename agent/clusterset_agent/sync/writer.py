# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes to this cluster's API, and only what is not there yet."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence

from ..cluster_api import ApiError, Client
from .conditions import changed
from .desired import holds, sealed
from .election import now_text
from .names import DIGEST, Object

log = logging.getLogger("clusterset.sync")

_APPLY = "application/apply-patch+yaml"
_MANAGER = "fabric-sync"


class Writer:
    """Every method can be repeated; the second time it sends nothing."""

    def __init__(self, client: Client) -> None:
        self.writes = 0
        self._client = client
        self._settled: dict[str, tuple[str, str]] = {}

    async def put(self, path: str, wanted: Object, found: Object | None) -> Object:
        """Make the object at ``path`` as wanted and return it as stored.

        What the server does not keep as it was sent (an older definition lacks a field) is not sent again and again.
        """
        wanted = sealed(wanted)
        digest = wanted["metadata"]["annotations"][DIGEST]
        if found is not None:
            metadata = found["metadata"]
            same = (metadata.get("annotations") or {}).get(DIGEST) == digest and holds(found, wanted)
            if same or self._settled.get(path) == (digest, metadata.get("resourceVersion", "")):
                return found
        stored = await self._apply(path, wanted)
        self._settled[path] = (digest, stored["metadata"]["resourceVersion"])
        return stored

    async def create(self, path: str, wanted: Object) -> None:
        """Make an object that is not there; one that somebody else has just made stays as it is."""
        self.writes += 1
        try:
            await self._client.request("POST", path.rpartition("/")[0], body=wanted)
        except ApiError as error:
            if error.status != 409:
                raise

    async def remove(self, path: str) -> None:
        """Delete the object."""
        self._settled.pop(path, None)
        log.info("removed", extra={"path": path})
        self.writes += 1
        await self._client.delete(path)

    async def status(
        self, path: str, item: Object, conditions: Sequence[Object], clusters: Iterable[str] | None = None
    ) -> None:
        """Write an object's conditions, and the exporting clusters of an import, where they differ."""
        before = item.get("status") or {}
        rows = changed(
            before.get("conditions") or (), conditions, now_text_short(), item["metadata"].get("generation", 0)
        )
        named = None if clusters is None else [{"cluster": cluster} for cluster in clusters]
        if rows is None and (named is None or named == (before.get("clusters") or [])):
            return
        known = {each["type"]: each for each in before.get("conditions") or ()}
        status: Object = {"conditions": rows or [known[each["type"]] for each in conditions]}
        if named is not None:
            status["clusters"] = named
        metadata = {"name": item["metadata"]["name"], "namespace": item["metadata"]["namespace"]}
        body = {"apiVersion": item["apiVersion"], "kind": item["kind"], "metadata": metadata, "status": status}
        await self._apply(f"{path}/status", body)

    async def _apply(self, path: str, body: Object) -> Object:
        self.writes += 1
        params = {"fieldManager": _MANAGER, "force": "true"}
        stored: Object = await self._client.request("PATCH", path, params=params, body=body, content_type=_APPLY)
        return stored


def now_text_short() -> str:
    """Return the time as conditions have it: whole seconds."""
    return now_text().partition(".")[0] + "Z"
