# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The agent of one node: follows the API and the probes, and keeps the kernel as both say."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

from .announcer import Announcer
from .cluster_api import NODES, ClusterApi
from .device_events import device_events
from .draining import wished
from .faults import AgentError
from .kernel import Kernel, Outcome
from .kernel_state import Link, LocalFacts
from .links import links_of
from .memory import Memory, load
from .metrics import Pages, Snapshot
from .names import LINK_PREFIX, OVERLAY
from .policing import Policing
from .prober import Prober
from .proving import Proving
from .reports import Reports
from .reverse_path import plugin_devices
from .settings import Settings
from .situation import Situation
from .sizes import Sizes
from .steering import Steering
from .target import kernel_state
from .version import VERSION
from .wanted import NodeAddress, Wanted, in_force, parse
from .ways import judge, probed, vouched

log = logging.getLogger("clusterset.node")
T = TypeVar("T")

_PASS_EVERY = 5.0
_PASS_SHARE = 0.01
"""Of one core, at most this much goes into passes that nothing has called for."""
_PENDING_PAUSE = 0.3
_SETTLE = 0.1
"""Seconds to wait after news, since news rarely comes alone."""
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
        self._inherited = self.memory.fit
        self._news = asyncio.Event()
        self._settings_written = asyncio.Event()
        self._thread = ThreadPoolExecutor(1, "kernel")
        self._last_pass = time.monotonic()
        self._proving = Proving(self.memory.fit, self._last_pass)
        self.api = ClusterApi(settings.namespace, settings.node, self._api_changed)
        self.steering = Steering(self._steered)
        self.prober = Prober(self.steering.wake)
        self.sizes = Sizes()
        self.reports = Reports(self.prober, self.sizes)
        self.announcer = Announcer(self)
        self.policing = Policing(self)
        self.pages = Pages(self._snapshot, self.renew_reports, self.policing.metrics)
        self.kernel: Kernel

    async def run(self) -> None:
        """Run until SIGTERM, which leaves the kernel as it is."""
        self.kernel = await self.in_thread(lambda: Kernel(self.settings))
        self._understand()
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        log.info("started", extra={"node": self.settings.node, "version": VERSION, "from_cache": bool(self.wanted)})
        with device_events(self._news.set, self._settings_written.set, self._matters):
            tasks = [
                asyncio.create_task(task)
                for task in (
                    self._passes(),
                    self._loosen(),
                    self.announcer.run(),
                    self.policing.run(),
                    self.prober.run(),
                    self.steering.run(self.prober, self.situation),
                    self.sizes.run(self._answering),
                    self.pages.serve({self.settings.first, self.settings.underlay}, self.settings.metrics_port),
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
        if NODES in self.api.synced:
            self._drain(wished(objects[NODES].get(self.settings.node)))
        fabric = objects["fabrics"].get("local")
        if {"fabrics", "peers", "tunneladdresses"} <= self.api.synced and fabric is not None:
            self.memory.fabric = in_force(fabric)
            self.memory.peers = [in_force(item) for item in objects["peers"].values()]
            self.memory.addresses = {name: item["spec"] for name, item in objects["tunneladdresses"].items()}
            self._understand()
        self.announcer.wake()

    def _drain(self, draining: bool) -> None:
        if draining != self.memory.draining:
            log.info("draining" if draining else "no longer draining")
            self.memory.draining = draining
            self._remember()
            self._news.set()

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
        self._remember()
        self._news.set()

    def _remember(self) -> None:
        if self.wanted is not None and not self.wanted.fabric.leaving:
            self.memory.save(self.settings.cache)

    def me(self) -> NodeAddress | None:
        """Return the node's own claim, once it has one."""
        return self.wanted.address_of(self.settings.node) if self.wanted else None

    def situation(self) -> Situation | None:
        """Return what everything follows from, once it is known and as long as the cluster stays."""
        me = self.me()
        if self.wanted is None or me is None or self.facts is None or self.wanted.fabric.leaving:
            return None
        return Situation(self.wanted, me, self.facts, self.memory.draining)

    def _links(self) -> tuple[Link, ...]:
        situation = self.situation()
        return links_of(situation) if situation else ()

    def _answering(self) -> list[Link]:
        return [link for link in self._links() if self._up(link.name)]

    # --- the kernel ---

    def _matters(self, device: str) -> bool:
        """Whether news of a device calls for a pass."""
        pure, shared = plugin_devices((device,))
        own = device == OVERLAY or device.startswith(LINK_PREFIX)
        known = (self.facts.device, *self.facts.transports) if self.facts else ()
        return own or bool(pure | shared) or device in known

    async def in_thread(self, work: Callable[[], T]) -> T:
        """Run work on the kernel in the thread that it belongs to."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    async def _passes(self) -> None:
        took = 0.0
        while True:
            with contextlib.suppress(TimeoutError):
                pause = _PENDING_PAUSE if self.outcome.pending else max(_PASS_EVERY, took / _PASS_SHARE)
                await asyncio.wait_for(self._news.wait(), pause)
                await asyncio.sleep(_SETTLE)
            self._news.clear()
            began = _cpu_seconds()
            try:
                await self._pass()
            except Exception as error:  # the next pass may find the kernel calmer; the fault is told meanwhile
                self.outcome = Outcome(faults=[str(error) if isinstance(error, AgentError) else repr(error)])
            self._last_pass = time.monotonic()
            took = _cpu_seconds() - began
            self._tell(self.outcome)
            self.announcer.wake()

    async def _pass(self) -> None:
        if self.wanted and self.wanted.fabric.leaving:
            await self._leave()
            return
        self.undone = False
        if self.wanted is None or self.me() is None:
            return
        pods = self.wanted.fabric.pods
        self.facts = await self.in_thread(lambda: self.kernel.facts(pods))
        situation = self.situation()
        if situation is None:
            return
        links = links_of(situation)
        self.prober.follow(probed(situation, links), self._inherited, vouched(links))
        self._inherited = frozenset()  # a link made anew under an old name has to prove itself
        fitness = judge(situation, links, self.prober.verdicts, self.steering.programmed)
        target = kernel_state(situation, fitness)
        judged = await self.policing.converge()  # before the first packet can pass
        self.outcome = await self.in_thread(lambda: self.kernel.converge(target, fitness.fit))
        self.outcome.changes += judged
        self.steering.passed(fitness)
        if fitness.fit != self.memory.fit:
            self.memory.fit = fitness.fit
            self._remember()

    async def _leave(self) -> None:
        self.prober.follow({})
        if not self.undone:
            self.outcome = await self.in_thread(self.kernel.undo)
            self.undone = not self.outcome.faults
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
            await self._settings_written.wait()
            await asyncio.sleep(_SETTLE)
            self._settings_written.clear()
            if self.facts is not None and not self.undone:
                transports = self.facts.transports + self.facts.shared
                with contextlib.suppress(OSError):  # a device may go while we look
                    changes = await self.in_thread(partial(self.kernel.loosen, transports))
                    self._tell(Outcome(changes))

    def _steered(self, usable: frozenset[str], routes: int) -> None:
        log.info("ways changed", extra={"fit": sorted(usable), "routes": routes})
        self.pages.switches.inc()
        self.memory.fit = usable
        self._remember()
        self.announcer.wake()

    # --- what is told ---

    async def renew_reports(self) -> None:
        """Look anew at what has passed the links."""
        situation = self.situation()
        if situation is not None:
            links = links_of(situation)
            traffic = await self.in_thread(lambda: self.kernel.traffic(links))
            self.reports.renew(situation, self.steering.programmed, traffic, time.time())
            await self.policing.count()

    def message(self) -> str:
        """Return what is wrong, for people; empty when all is well."""
        return "; ".join([*(self.wanted.faults if self.wanted else ()), *self.outcome.faults])[:500]

    def _snapshot(self) -> Snapshot:
        situation = self.situation()
        gateways = situation.other_gateways if situation else ()
        settled = self.undone or (self.announcer.announced and self.me() is not None)
        return Snapshot(
            links=self.reports.newest.values(),
            gateways={gateway.tunnel: bool(self._up(gateway.tunnel)) for gateway in gateways},
            connected=self.api.connected,
            faults=len(self.outcome.faults),
            ready=settled and not self.outcome.faults and self._proving.passed(self.prober.way, time.monotonic()),
            alive=time.monotonic() - self._last_pass < _STUCK_AFTER,
        )

    def _up(self, way: str) -> bool | None:
        found = self.prober.way(way)
        return found.up if found else None


def _cpu_seconds() -> float:
    """What the agent and its helpers have used: on a busy node a pass takes long, and costs no more than ever."""
    return sum(os.times()[:4])
