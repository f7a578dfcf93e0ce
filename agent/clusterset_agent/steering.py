# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fast answer to a death: only the routes that it concerns, in a thread that nothing else can hold up."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from .kernel_state import Route
from .links import links_of
from .prober import Prober
from .routing import Routing
from .situation import Situation
from .target import routes
from .ways import Fitness, judge

log = logging.getLogger("clusterset.steering")


class Steering:
    """Keeps the routes in step with the probes between full passes."""

    def __init__(self, steered: Callable[[frozenset[str], int], None]) -> None:
        self._steered = steered
        self._wake = asyncio.Event()
        self.programmed = Fitness()
        """What the routes in the kernel go by."""
        self._thread = ThreadPoolExecutor(1, "steering")
        self._routing: Routing | None = None

    def wake(self) -> None:
        """Look again: a probe's verdict changed."""
        self._wake.set()

    def passed(self, fitness: Fitness) -> None:
        """Take note that a full pass has programmed the routes for this, maybe overtaking us."""
        self.programmed = fitness
        self._wake.set()

    async def run(self, prober: Prober, situation: Callable[[], Situation | None]) -> None:
        """Steer until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            now = situation()
            if now is None:
                continue
            before = self.programmed
            fitness = judge(now, links_of(now), prober.verdicts, before)
            if fitness == before:
                continue
            old = set(routes(now, before))
            changed = [route for route in routes(now, fitness) if route not in old]
            try:
                await asyncio.get_running_loop().run_in_executor(self._thread, self._replace, changed)
            except Exception as error:  # the next full pass repairs whatever is wrong
                log.error("could not steer", extra={"error": f"{type(error).__name__}: {error}"})
            self.programmed = fitness
            self._steered(fitness.fit, len(changed))

    def _replace(self, changed: list[Route]) -> None:
        if self._routing is None:
            from pyroute2 import IPRoute

            netlink: Any = IPRoute()
            self._routing = Routing(netlink)
        self._routing.replace_known(changed)
