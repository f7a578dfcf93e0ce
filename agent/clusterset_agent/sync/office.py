# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""This cluster's gateways follow its nodes: who is gone is replaced, and a new address is told.

The playbook owns the spec of the Fabric; the choice of now is in its ``status.current``. The agents do the rest: a
new gateway publishes itself, and the peers read that.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time

from ansible_collections.clusterset.fabric.plugins.module_utils.client.client import MERGE

from ..cluster_api import Client, FabricError
from ..wanted import in_force, planned
from .choice import Candidate, candidate, choose, slim
from .collection import Collection
from .engine import Engine
from .names import OURS, Object, by_name
from .settings import SyncSettings

log = logging.getLogger("clusterset.sync")

_PAUSE = 1.0
"""Seconds between two looks: many nodes have much to say."""
_EVERY = 5.0
"""Seconds after which there is a look without news."""


class Office:
    """Keeps ``status.current`` of the Fabric."""

    def __init__(self, client: Client, settings: SyncSettings, engine: Engine) -> None:
        self._client = client
        self._settings = settings
        self._engine = engine
        self._news = asyncio.Event()
        self._path = f"/apis/{OURS}/namespaces/{settings.namespace}"
        self._nodes = Collection("/api/v1/nodes", by_name, lambda _keys: self._news.set(), slim=slim)
        self._gateways = Collection(f"{self._path}/gateways", by_name, lambda _keys: self._news.set())
        self._unready: dict[str, float] = {}

    async def run(self) -> None:
        """Follow the nodes until cancelled."""
        await asyncio.gather(self._nodes.follow(self._client), self._gateways.follow(self._client), self._looks())

    async def _looks(self) -> None:
        while True:
            self._news.clear()
            try:
                await self._look()
            except FabricError as error:
                log.warning("choice of gateways not told", extra={"error": str(error)})
            await asyncio.sleep(_PAUSE)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), _PAUSE if self._unready else _EVERY)

    async def _look(self) -> None:
        fabric = self._engine.local.fabrics.named.get("local")
        known = self._nodes.synced and self._gateways.synced and self._nodes.connected
        if fabric is None or not known or not self._engine.cluster or "gatewayChoice" not in fabric["spec"]:
            return
        office: list[Object] = in_force(fabric).get("gateways") or []
        nodes = {name: candidate(item) for name, item in self._nodes.named.items()}
        taken = {name: int(item["spec"]["ordinal"]) for name, item in self._gateways.named.items()}
        links = self._engine.local.links.named.values()
        up = [item for item in links if (item.get("status") or {}).get("state") == "Up"]
        linked = {item["spec"]["node"] for item in up}
        rows = choose(fabric["spec"]["gatewayChoice"], office, nodes, self._overdue(office, nodes), taken, linked)
        if rows == office:
            return
        current = {"planned": planned(fabric["spec"]), "gateways": rows}
        body = {"status": {"current": current}}
        await self._client.request("PATCH", f"{self._path}/fabrics/local/status", body=body, content_type=MERGE)
        log.info("gateways", extra={"before": office, "now": rows})

    def _overdue(self, office: list[Object], nodes: dict[str, Candidate]) -> set[str]:
        """Gateways whose nodes have not been ready for too long, by our own clock."""
        now = time.monotonic()
        unready = {row["node"] for row in office if row["node"] in nodes and not nodes[row["node"]].ready}
        self._unready = {name: self._unready.get(name, now) for name in unready}
        return {name for name, since in self._unready.items() if now - since >= self._settings.gateway_grace}
