# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The largest packet that really passes each link: asked seldom, by echoes that must not be fragmented."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Iterable

from .icmp import HEADERS, Echo
from .kernel_state import Link

EVERY = 30.0
"""Seconds between two looks at the same link."""
PAUSE = 2.0
"""Seconds after which links are looked for that have come up meanwhile."""
WAIT = 0.6
TRIES = 3
SMALLEST = 576


class Sizes:
    """Sizes in bytes, headers included, by the name of the link; 0 as long as nothing is known."""

    def __init__(self) -> None:
        self._echo = Echo(fragment=False)
        self._known: dict[str, int] = {}
        self._looked: dict[str, float] = {}
        self._answered: set[tuple[str, int]] = set()

    def size(self, name: str) -> int:
        """Return the largest packet that passed."""
        return self._known.get(name, 0)

    async def run(self, links: Callable[[], Iterable[Link]]) -> None:
        """Look at the links one after another until cancelled.

        :param links: those that answer small packets now.
        """
        loop = asyncio.get_running_loop()
        loop.add_reader(self._echo.socket.fileno(), self._receive)
        try:
            while True:
                for link in self.due(links(), loop.time()):
                    self._known[link.name] = await self._measure(link)
                await asyncio.sleep(PAUSE)
        finally:
            loop.remove_reader(self._echo.socket.fileno())
            self._echo.close()

    def due(self, links: Iterable[Link], now: float) -> list[Link]:
        """Return the links whose turn it is; they count as looked at. ``now`` is in seconds of a steady clock."""
        found = list(links)
        looked = {link.name: self._looked.get(link.name, -math.inf) for link in found}
        due = [link for link in found if now - looked[link.name] >= EVERY]
        self._looked = looked | dict.fromkeys((link.name for link in due), now)
        return due

    async def _measure(self, link: Link) -> int:
        """The link's own MTU if that passes, else what does, found by halving; 0 if nothing passes now."""
        if await self._passes(link.there, link.mtu):
            return link.mtu
        low, high = SMALLEST, link.mtu
        if not await self._passes(link.there, low):
            return 0
        while high - low > 8:
            middle = (low + high) // 2
            low, high = (middle, high) if await self._passes(link.there, middle) else (low, middle)
        return low

    async def _passes(self, address: str, size: int) -> bool:
        for _attempt in range(TRIES):
            self._answered.discard((address, size))
            self._echo.prepare(size - HEADERS)
            self._echo.send(address)
            end = asyncio.get_running_loop().time() + WAIT
            while asyncio.get_running_loop().time() < end:
                await asyncio.sleep(0.02)
                if (address, size) in self._answered:
                    return True
        return False

    def _receive(self) -> None:
        self._answered |= {(answer.address, answer.size) for answer in self._echo.receive()}
