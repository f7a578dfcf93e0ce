# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fabric's objects in this cluster's API: followed by watches, kept as the last known state."""

from __future__ import annotations

import asyncio
import logging
import math
import random
from collections.abc import Callable
from typing import Any

from ansible_collections.clusterset.fabric.plugins.module_utils.client.client import Client, open_client
from ansible_collections.clusterset.fabric.plugins.module_utils.client.errors import ApiError, Unreachable
from ansible_collections.clusterset.fabric.plugins.module_utils.client.types import ClusterRef
from ansible_collections.clusterset.fabric.plugins.module_utils.errors import FabricError

log = logging.getLogger("clusterset.api")

API_VERSION = "fabric.clusterset.io/v1alpha1"
FOLLOWED = ("fabrics", "peers", "tunneladdresses", "gateways")
NODES = "nodes"
Object = dict[str, Any]

__all__ = [
    "API_VERSION",
    "FOLLOWED",
    "NODES",
    "ApiError",
    "Client",
    "ClusterApi",
    "FabricError",
    "Object",
    "Unreachable",
]

_WATCH_SECONDS = 120.0
_LONGEST_PAUSE = 10.0


class ClusterApi:
    """The objects of each followed kind by name, and of nodes the own one.

    ``synced`` are the kinds that have been read at least once.
    """

    def __init__(self, namespace: str, node: str, changed: Callable[[], None]) -> None:
        self.objects: dict[str, dict[str, Object]] = {kind: {} for kind in (*FOLLOWED, NODES)}
        self.synced: set[str] = set()
        self.connected = False
        self._node = node
        self._root = f"/apis/{API_VERSION}/namespaces/{namespace}"
        self._changed = changed

    def path(self, kind: str, name: str = "") -> str:
        """Return the path of a collection, or of one object in it."""
        root = "/api/v1" if kind == NODES else self._root
        return f"{root}/{kind}/{name}" if name else f"{root}/{kind}"

    async def open(self) -> Client:
        """Return a client of the cluster that we run in, however long it takes to get one."""
        pause = 0.5
        while True:
            try:
                return await open_client(ClusterRef("local", in_cluster=True), deadline=math.inf)
            except FabricError as error:
                log.warning("no access to the API server", extra={"error": str(error)})
                await asyncio.sleep(pause)
                pause = min(pause * 2, _LONGEST_PAUSE)

    async def follow(self, client: Client) -> None:
        """Follow all kinds until cancelled."""
        await asyncio.gather(*(self._follow(client, kind) for kind in (*FOLLOWED, NODES)))

    async def _follow(self, client: Client, kind: str) -> None:
        pause = 0.5
        while True:
            try:
                await self._read_and_watch(client, kind)
                pause = 0.5
            except FabricError as error:
                expired = isinstance(error, ApiError) and error.status == 410
                if not expired:
                    self.connected = False
                    log.warning("watch failed", extra={"kind": kind, "error": str(error)})
                    await asyncio.sleep(pause * random.uniform(0.5, 1.5))
                    pause = min(pause * 2, _LONGEST_PAUSE)

    async def _read_and_watch(self, client: Client, kind: str) -> None:
        chosen = f"metadata.name={self._node}" if kind == NODES else ""
        listing = await client.list(self.path(kind), field_selector=chosen)
        self.connected = True
        fresh = {item["metadata"]["name"]: item for item in listing}
        if fresh != self.objects[kind] or kind not in self.synced:
            self.objects[kind] = fresh
            self.synced.add(kind)
            self._changed()
        version = listing.resource_version
        while True:
            async for event, item in client.watch(
                self.path(kind),
                field_selector=chosen,
                resource_version=version,
                timeout=_WATCH_SECONDS * random.uniform(0.8, 1.2),
            ):
                version = item["metadata"].get("resourceVersion", version)
                self._take(kind, event, item)

    def _take(self, kind: str, event: str, item: Object) -> None:
        name = item["metadata"].get("name", "")
        if event == "DELETED":
            self.objects[kind].pop(name, None)
        elif event in ("ADDED", "MODIFIED"):
            self.objects[kind][name] = item
        else:
            return
        self._changed()
