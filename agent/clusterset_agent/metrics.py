# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Metrics for Prometheus and the two health pages, on the node's own address."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from prometheus_client import CollectorRegistry, Counter, generate_latest
from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily, Metric

from .link_report import LinkReport
from .links import interface_of
from .version import VERSION

log = logging.getLogger("clusterset.metrics")


@dataclass(frozen=True)
class Snapshot:
    """What the pages tell; ``gateways`` maps tunnel addresses of this cluster's gateways to whether they answer."""

    links: Iterable[LinkReport]
    gateways: dict[str, bool]
    connected: bool
    faults: int
    ready: bool
    alive: bool


class Pages:
    """The agent's HTTP pages.

    :param renew: brings the snapshot's links up to date; whether the API server hears of them must not matter here.
    :param more: what another part has to tell.
    """

    def __init__(
        self,
        snapshot: Callable[[], Snapshot],
        renew: Callable[[], Awaitable[None]],
        more: Callable[[], Iterator[Metric]],
    ) -> None:
        self._snapshot = snapshot
        self._more = more
        self._renew = renew
        self._registry = CollectorRegistry()
        self._registry.register(self)
        self.passes = self._counter("fabric_passes", "Full comparisons of the kernel with the target.")
        self.changes = self._counter("fabric_kernel_changes", "Changes made to the kernel.")
        self.switches = self._counter("fabric_switches", "Changes of the ways in use because of probes.")

    def _counter(self, name: str, text: str) -> Any:
        return Counter(name, text, registry=self._registry)

    def collect(self) -> Iterator[Metric]:
        """Yield what is known at this moment; called by the registry."""
        now = self._snapshot()
        yield InfoMetricFamily("fabric_agent", "The agent.", {"version": VERSION})
        yield GaugeMetricFamily("fabric_api_connected", "Whether the API server answers.", float(now.connected))
        yield GaugeMetricFamily("fabric_faults", "Faults of the last comparison.", float(now.faults))
        reach = GaugeMetricFamily("fabric_gateway_up", "Whether a gateway of this cluster answers.", labels=["address"])
        for address, up in sorted(now.gateways.items()):
            reach.add_metric([address], float(up))
        yield reach
        yield from _links(list(now.links))
        yield from self._more()

    async def serve(self, addresses: set[str], port: int) -> None:
        """Serve until cancelled; a predecessor that still holds the port is waited for."""
        application = web.Application()
        application.add_routes(
            [
                web.get("/metrics", self._metrics),
                web.get("/healthz", self._alive),
                web.get("/readyz", self._ready),
            ]
        )
        runner = web.AppRunner(application, access_log=None)
        await runner.setup()
        try:
            await asyncio.gather(*(_listen(runner, address, port) for address in sorted(addresses)))
            await asyncio.Event().wait()
        finally:
            await runner.cleanup()

    async def _metrics(self, _request: web.Request) -> web.Response:
        await self._renew()
        return web.Response(text=generate_latest(self._registry).decode())

    async def _alive(self, _request: web.Request) -> web.Response:
        return _page(self._snapshot().alive)

    async def _ready(self, _request: web.Request) -> web.Response:
        return _page(self._snapshot().ready)


async def _listen(runner: web.AppRunner, address: str, port: int) -> None:
    while True:
        try:
            await web.TCPSite(runner, address, port).start()
            return
        except OSError as error:
            log.warning("port is not free", extra={"address": address, "port": port, "error": str(error)})
            await asyncio.sleep(2.0)


def _page(good: bool) -> web.Response:
    return web.Response(text="ok\n" if good else "not yet\n", status=200 if good else 503)


def _links(links: list[LinkReport]) -> Iterator[Metric]:
    rows: list[tuple[str, str, Callable[[LinkReport], float]]] = [
        ("fabric_link_up", "Whether probes through the link are answered.", lambda row: float(row.state == "Up")),
        ("fabric_link_forwards", "Whether the other gateway passes packets on.", lambda row: float(row.forwards)),
        ("fabric_link_carrying", "Whether routes use the link.", lambda row: float(row.carrying)),
        ("fabric_link_size_bytes", "Largest packet that really passes; 0 if unknown.", lambda row: row.size),
        ("fabric_link_round_trip_seconds", "Smoothed round trip of the probes.", lambda row: row.round_trip or 0.0),
        ("fabric_link_handshake_seconds", "Time of the last handshake.", lambda row: row.traffic.handshake),
        ("fabric_link_received_bytes", "Bytes received through the link.", lambda row: row.traffic.received),
        ("fabric_link_sent_bytes", "Bytes sent through the link.", lambda row: row.traffic.sent),
    ]
    for name, text, value in rows:
        family = GaugeMetricFamily(name, text, labels=["peer", "gateway", "driver", "generation", "interface"])
        for row in links:
            link = row.link
            labels = [link.peer, link.remote_node, link.driver, str(link.generation), interface_of(link)]
            family.add_metric(labels, value(row))
        yield family
