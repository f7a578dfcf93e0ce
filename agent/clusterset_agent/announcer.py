# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the node tells the API server: its claim, its gateway, its links, their state; now and at every change."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from typing import TYPE_CHECKING, Any

from .cluster_api import FabricError
from .draining import DrainWatch
from .faults import AgentError
from .publish import Publisher
from .situation import gateway_entry
from .version import VERSION
from .wanted import NodeAddress, Wanted

if TYPE_CHECKING:
    from .node import NodeAgent

log = logging.getLogger("clusterset.announcer")

_EVERY = 5.0
_EVERY_DRAINING = 1.0
_SETTLE = 0.1
"""Seconds to wait after a call, since calls rarely come alone."""
_KINDS = frozenset({"fabrics", "tunneladdresses", "gateways"})


class Announcer:
    """Speaks for one node; ``announced`` is True once everything has been told."""

    def __init__(self, node: NodeAgent) -> None:
        self.announced = False
        self._node = node
        self._called = asyncio.Event()
        self._drain_watch = DrainWatch()

    def wake(self) -> None:
        """Tell soon what has changed."""
        self._called.set()

    async def run(self) -> None:
        """Follow the API server and tell it what there is, until cancelled."""
        client = await self._node.api.open()
        publisher = Publisher(self._node.api, client, self._node.settings)
        async with client:
            await asyncio.gather(self._node.api.follow(client), self._for_ever(publisher))

    async def _for_ever(self, publisher: Publisher) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                pause = _EVERY_DRAINING if self._node.memory.draining else _EVERY
                await asyncio.wait_for(self._called.wait(), pause)
                await asyncio.sleep(_SETTLE)
            self._called.clear()
            try:
                await self._tell(publisher)
            except (FabricError, AgentError) as error:
                log.warning("could not publish", extra={"error": str(error)})
                await asyncio.sleep(1.0)

    async def _tell(self, publisher: Publisher) -> None:
        wanted = self._node.wanted
        if wanted is None or not self._node.api.synced >= _KINDS:
            return
        if wanted.fabric.leaving:
            await self._status(publisher)
            return
        await publisher.claim(wanted.fabric.tunnel)
        me = self._node.me()
        if me is None:
            return
        await self._gateway(publisher, wanted, me)
        await self._links(publisher)
        await self._status(publisher)
        self.announced = True

    async def _gateway(self, publisher: Publisher, wanted: Wanted, me: NodeAddress) -> None:
        kernel, fabric, draining = self._node.kernel, wanted.fabric, self._node.memory.draining
        mine = gateway_entry(fabric, me.node)
        if mine is None:
            await publisher.gateway(None, me.tunnel, {}, "")
            return
        keys = await self._node.in_thread(lambda: {n: kernel.keys.public(n) for n in fabric.generations})
        implementation = await self._node.in_thread(lambda: kernel.implementation)
        await publisher.gateway(mine, me.tunnel, keys, implementation)
        carried = await self._node.in_thread(kernel.carried_while_draining) if draining else 0
        status: dict[str, Any] = {"state": self._drain_watch.state(draining, carried, time.monotonic())}
        if self._node.policing.in_force:
            status["policyGeneration"] = self._node.policing.in_force
        await publisher.gateway_status(status)

    async def _links(self, publisher: Publisher) -> None:
        await self._node.renew_reports()
        await publisher.links(self._node.reports.newest.values(), time.time())

    async def _status(self, publisher: Publisher) -> None:
        me, facts = self._node.me(), self._node.facts
        if me is not None:
            status: dict[str, Any] = {"agentVersion": VERSION, "undone": self._node.undone}
            status["message"] = self._node.message()
            if facts is not None:
                status["underlayMTU"] = facts.device_mtu
            await publisher.status(me.tunnel, status)
