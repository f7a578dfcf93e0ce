# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Health and metrics of the sync part over HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import TYPE_CHECKING

from aiohttp import web
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric

from .standing import Standing

if TYPE_CHECKING:
    from .part import SyncPart


class SyncPages:
    """``/healthz``, ``/readyz``, ``/metrics``."""

    def __init__(self, part: SyncPart) -> None:
        self._part = part
        self._registry = CollectorRegistry()
        self._registry.register(self)

    def collect(self) -> Iterator[Metric]:
        """Yield what is known at this moment; called by the registry."""
        engine = self._part.engine
        yield GaugeMetricFamily(
            "fabric_sync_active", "Whether this replica is the active one.", float(engine is not None)
        )
        if engine is None:
            return
        yield GaugeMetricFamily("fabric_sync_exports", "Services exported here.", len(engine.local.published.keys))
        yield GaugeMetricFamily("fabric_sync_imports", "Services imported here.", len(engine.local.imports.keys))
        yield GaugeMetricFamily("fabric_sync_failed", "Services that could not be written.", len(engine.queue.failed))
        yield GaugeMetricFamily("fabric_sync_writes", "Objects written since the start.", engine.writer.writes)
        alive = GaugeMetricFamily("fabric_sync_peer_alive", "Whether a peer gives signs of life.", labels=["peer"])
        for name, standing in sorted(engine.standings.items()):
            alive.add_metric([name], float(standing is Standing.ALIVE))
        yield alive
        words = "Seconds until our credential at a peer ends; negative once it has."
        left = GaugeMetricFamily("fabric_sync_peer_credential_seconds", words, labels=["peer"])
        for name, peer in sorted(engine.peers.items()):
            if (seconds := peer.seconds_left()) is not None:
                left.add_metric([name], seconds)
        yield left

    async def serve(self, address: str, port: int) -> None:
        """Serve until cancelled; without an address, nothing."""
        application = web.Application()
        rows = (("/metrics", self._metrics), ("/healthz", self._ready), ("/readyz", self._ready))
        application.add_routes([web.get(path, handler) for path, handler in rows])
        runner = web.AppRunner(application, access_log=None)
        await runner.setup()
        try:
            if address:
                await web.TCPSite(runner, address, port).start()
            await asyncio.Event().wait()
        finally:
            await runner.cleanup()

    async def _metrics(self, _request: web.Request) -> web.Response:
        return web.Response(text=generate_latest(self._registry).decode())

    async def _ready(self, _request: web.Request) -> web.Response:
        """Both replicas are ready as soon as they run; a process that cannot go on ends by itself."""
        return web.Response(text="ok\n")
