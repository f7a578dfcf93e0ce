# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The agent of one node: follows the API and the probes, and keeps the kernel as both say."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar

from .cluster_api import ClusterApi, FabricError
from .device_events import device_events
from .faults import AgentError
from .kernel import Kernel, Outcome
from .kernel_state import LocalFacts
from .link_report import LinkReport, report
from .memory import Memory, load
from .metrics import Pages, Snapshot
from .prober import Prober
from .publish import Publisher
from .settings import Settings
from .steering import Steering
from .target import gateway_entry, kernel_state, other_gateways, wireguard_links
from .version import VERSION
from .wanted import NodeAddress, Wanted, parse

log = logging.getLogger("clusterset.node")
T = TypeVar("T")

_PASS_EVERY = 5.0
_PENDING_PAUSE = 0.3
_SETTLE = 0.1
"""Seconds to wait after news, since news rarely comes alone."""
_LOOSEN_EVERY = 1.0
_PUBLISH_EVERY = 5.0
_STUCK_AFTER = 120.0


class NodeAgent:
    """All tasks of the node and gateway parts. The kernel belongs to one thread, steering to another."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.memory: Memory = load(settings.cache)
        self.wanted: Wanted | None = None
        self.facts: LocalFacts | None = None
        self.outcome = Outcome(faults=["not started"])
        self.undone = False
        self.published = False
        self.reports: dict[str, LinkReport] = {}
        self._news = asyncio.Event()
        self._to_publish = asyncio.Event()
        self._thread = ThreadPoolExecutor(1, "kernel")
        self._last_pass = time.monotonic()
        self._public_key = ""
        self.api = ClusterApi(settings.namespace, self._api_changed)
        self.steering = Steering(self._steered)
        self.prober = Prober(self.steering.wake)
        self.pages = Pages(self._snapshot)
        self._kernel: Kernel

    async def run(self) -> None:
        """Run until SIGTERM, which leaves the kernel as it is."""
        self._kernel = await self._in_thread(lambda: Kernel(self.settings))
        self._understand()
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        log.info("started", extra={"node": self.settings.node, "version": VERSION, "from_cache": bool(self.wanted)})
        with device_events(self._news.set):
            tasks = [
                asyncio.create_task(task)
                for task in (
                    self._passes(),
                    self._loosen(),
                    self._talk(),
                    self.prober.run(),
                    self.steering.run(self.prober, self._situation),
                    self.pages.serve(self.settings.underlay, self.settings.metrics_port),
                    stop.wait(),
                )
            ]
            # none of them ends by itself but the last: whichever does, the process ends and is started anew
            done, rest = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in rest:
                task.cancel()
            await asyncio.gather(*rest, return_exceptions=True)
        for task in done:
            task.result()
        log.info("stopped")

    # --- what is wanted ---

    def _api_changed(self) -> None:
        objects = self.api.objects
        fabric = objects["fabrics"].get("local")
        if {"fabrics", "peers", "tunneladdresses"} <= self.api.synced and fabric is not None:
            self.memory.fabric = fabric["spec"]
            self.memory.peers = [item["spec"] for item in objects["peers"].values()]
            self.memory.addresses = {name: item["spec"] for name, item in objects["tunneladdresses"].items()}
            self._understand()
        self._to_publish.set()

    def _understand(self) -> None:
        if self.memory.fabric is None:
            return
        try:
            fresh = parse(self.memory.fabric, self.memory.peers, self.memory.addresses)
        except AgentError as error:
            log.error("cannot follow the fabric", extra={"error": str(error)})
            return
        if fresh == self.wanted:
            return
        for fault in fresh.faults:
            log.error("left out", extra={"error": fault})
        self.wanted = fresh
        if not fresh.fabric.leaving:
            self.memory.save(self.settings.cache)
        self._news.set()

    def me(self) -> NodeAddress | None:
        """Return the node's own claim, once it has one."""
        return self.wanted.address_of(self.settings.node) if self.wanted else None

    def _situation(self) -> tuple[Wanted, NodeAddress] | None:
        me = self.me()
        return (self.wanted, me) if self.wanted and me and not self.wanted.fabric.leaving else None

    # --- the kernel ---

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    async def _passes(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                pause = _PENDING_PAUSE if self.outcome.pending else _PASS_EVERY
                await asyncio.wait_for(self._news.wait(), pause)
                await asyncio.sleep(_SETTLE)
            self._news.clear()
            try:
                await self._pass()
            except Exception as error:  # the next pass may find the kernel calmer; the fault is told meanwhile
                self.outcome = Outcome(faults=[str(error) if isinstance(error, AgentError) else repr(error)])
            self._last_pass = time.monotonic()
            self._tell(self.outcome)
            self._to_publish.set()

    async def _pass(self) -> None:
        if self.wanted and self.wanted.fabric.leaving:
            await self._leave()
            return
        self.undone = False
        situation = self._situation()
        if situation is None:
            return
        wanted, me = situation  # pylint: disable=unpacking-non-sequence
        facts = await self._in_thread(lambda: self._kernel.facts(wanted.fabric.pods))
        self.facts = facts
        self.prober.follow(_ways(wanted, self.settings.node), self.memory.alive)
        alive = self.prober.alive
        target = kernel_state(wanted, me, facts, alive)
        self.outcome = await self._in_thread(lambda: self._kernel.converge(target, alive))
        self.steering.programmed(alive)

    async def _leave(self) -> None:
        self.prober.follow({})
        if not self.undone:
            self.outcome = await self._in_thread(self._kernel.undo)
            self.undone = not self.outcome.faults
            self._public_key = ""
            self.facts = None

    def _tell(self, outcome: Outcome) -> None:
        self.pages.passes.inc()
        self.pages.changes.inc(len(outcome.changes))
        if outcome.changes:
            log.info("kernel changed", extra={"changes": outcome.changes})
        for fault in outcome.faults:
            log.error("fault", extra={"error": fault})
        outcome.changes.clear()

    async def _loosen(self) -> None:
        while True:
            await asyncio.sleep(_LOOSEN_EVERY)
            if self.facts is not None and not self.undone:
                transports = self.facts.transports + self.facts.shared
                with contextlib.suppress(OSError):  # a device may go while we look
                    changes = await self._in_thread(partial(self._kernel.loosen, transports))
                    self._tell(Outcome(changes))

    def _steered(self, alive: frozenset[str], routes: int) -> None:
        log.info("ways changed", extra={"alive": sorted(alive), "routes": routes})
        self.pages.switches.inc()
        if self.memory.fabric is not None and not self.undone:
            self.memory.alive = alive
            self.memory.save(self.settings.cache)
        self._to_publish.set()

    # --- the API ---

    async def _talk(self) -> None:
        client = await self.api.open()
        publisher = Publisher(self.api, client, self.settings)
        await asyncio.gather(self.api.follow(client), self._publish_for_ever(publisher))

    async def _publish_for_ever(self, publisher: Publisher) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._to_publish.wait(), _PUBLISH_EVERY)
                await asyncio.sleep(_SETTLE)
            self._to_publish.clear()
            try:
                await self._publish(publisher)
            except (FabricError, AgentError) as error:
                log.warning("could not publish", extra={"error": str(error)})
                await asyncio.sleep(1.0)

    async def _publish(self, publisher: Publisher) -> None:
        if self.wanted is None or not self.api.synced >= {"fabrics", "tunneladdresses", "gateways"}:
            return
        fabric = self.wanted.fabric
        if fabric.leaving:
            await self._publish_status(publisher)
            return
        await publisher.claim(fabric.tunnel)
        me = self.me()
        if me is None:
            return
        await self._publish_gateway(publisher, me)
        await self._report_links()
        await publisher.links(self.reports.values(), time.time())
        await self._publish_status(publisher)
        self.published = True

    async def _publish_gateway(self, publisher: Publisher, me: NodeAddress) -> None:
        assert self.wanted is not None
        mine = gateway_entry(self.wanted.fabric, self.settings.node)
        implementation = ""
        if mine is not None:
            self._public_key = self._public_key or await self._in_thread(self._kernel.public_key)
            implementation = await self._in_thread(lambda: self._kernel.implementation)
        await publisher.gateway(mine, me.tunnel, self._public_key, implementation)

    async def _publish_status(self, publisher: Publisher) -> None:
        me = self.me()
        if me is not None:
            status: dict[str, Any] = {"agentVersion": VERSION, "undone": self.undone, "message": self._message()}
            if self.facts is not None:
                status["underlayMTU"] = self.facts.device_mtu
            await publisher.status(me.tunnel, status)

    def _message(self) -> str:
        return "; ".join([*(self.wanted.faults if self.wanted else ()), *self.outcome.faults])[:500]

    async def _report_links(self) -> None:
        assert self.wanted is not None
        links = wireguard_links(self.wanted, self.settings.node)
        states = await self._in_thread(self._kernel.states) if links else {}
        now = time.time()
        self.reports = {
            link.name: report(link, self.prober.way(link.name), states.get(link.name), self.reports.get(link.name), now)
            for link in links
        }

    def _snapshot(self) -> Snapshot:
        gateways = other_gateways(self.wanted, self.settings.node) if self.wanted else ()
        alive = self.prober.alive
        settled = self.undone or (self.published and self.me() is not None)
        return Snapshot(
            links=self.reports.values(),
            gateways={gateway.tunnel: gateway.tunnel in alive for gateway in gateways},
            connected=self.api.connected,
            faults=len(self.outcome.faults),
            ready=settled and not self.outcome.faults,
            alive=time.monotonic() - self._last_pass < _STUCK_AFTER,
        )


def _ways(wanted: Wanted, node: str) -> dict[str, str]:
    """Return what this node probes: its links' other ends, and its cluster's other gateways."""
    ways = {link.name: link.remote_tunnel for link in wireguard_links(wanted, node)}
    return ways | {gateway.tunnel: gateway.tunnel for gateway in other_gateways(wanted, node)}
