# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Probes every way several times a second and tells at once when one dies or comes back."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence

from .icmp import Echo
from .liveness import Liveness, Verdict

INTERVAL = 0.2
"""Seconds between two probes of the same way."""
AT_EASE = 5
"""Of the probes of a way that another one vouches for, only each so-maniest is sent."""
_AT_ONCE = 32
"""Probes that share one request, and so the time of sending."""
SUSPECT_INTERVAL = 0.1
"""The same for a way that has begun to miss."""


class Prober:
    """Probes addresses by key; :func:`ways.probed` tells which."""

    def __init__(self, changed: Callable[[], None], echo: Echo | None = None) -> None:
        self._changed = changed
        self._echo = echo or Echo()
        self._ways: dict[str, tuple[str, Liveness]] = {}
        self._by_address: dict[str, list[str]] = {}
        self._vouched: Mapping[str, Sequence[str]] = {}
        self._round = 0

    @property
    def verdicts(self) -> dict[str, Verdict]:
        """What each way has shown so far."""
        now = time.monotonic()
        return {key: way.verdict(now) for key, (_address, way) in self._ways.items()}

    def way(self, key: str) -> Liveness | None:
        """Return what is known of one way."""
        found = self._ways.get(key)
        return found[1] if found else None

    def follow(
        self,
        addresses: Mapping[str, str],
        assumed: frozenset[str] = frozenset(),
        vouched: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        """Probe exactly these; known ones keep their state, new ones in ``assumed`` begin as alive.

        :param vouched: key -> keys of longer ways: while they all answer, nobody needs to know more of the shorter.
        """
        self._vouched = vouched or {}
        if {key: address for key, (address, _way) in self._ways.items()} == addresses:
            return
        self._ways = {
            key: self._keep(key, address) or (address, Liveness(up=True if key in assumed else None))
            for key, address in addresses.items()
        }
        self._by_address = {}
        for key, address in addresses.items():
            self._by_address.setdefault(address, []).append(key)

    async def run(self) -> None:
        """Probe until cancelled."""
        loop = asyncio.get_running_loop()
        loop.add_reader(self._echo.socket.fileno(), self.receive)
        try:
            full = loop.time()
            while True:
                now = loop.time()
                if now >= full:
                    self.tick()
                    full = max(full + INTERVAL, now)
                elif any(way.suspect for _address, way in self._ways.values()):
                    self.tick(suspects_only=True)
                await asyncio.sleep(max(0.0, now + SUSPECT_INTERVAL - loop.time()))
        finally:
            loop.remove_reader(self._echo.socket.fileno())
            self._echo.close()

    def tick(self, *, suspects_only: bool = False) -> None:
        """Judge the ways, all or those that have begun to miss, and send them the next probes."""
        # answers that wait in the socket must count before a slow moment of ours is taken for a death
        self.receive()
        self._round += not suspects_only
        uneasy = {key for key in self._vouched if not self._at_ease(key)}
        chosen = [
            (address, way)
            for key, (address, way) in self._ways.items()
            if (way.suspect or key in uneasy if suspects_only else self._due(key, uneasy))
        ]
        now = time.monotonic()
        changes = [way.tick(now) for _address, way in chosen]
        if any(changes):
            self._changed()
        for number, (address, _way) in enumerate(chosen):
            if number % _AT_ONCE == 0:
                self._echo.prepare()
            self._echo.send(address)

    def _due(self, key: str, uneasy: set[str]) -> bool:
        return key not in self._vouched or key in uneasy or self._round % AT_EASE == 0

    def _at_ease(self, key: str) -> bool:
        """Whether all the longer ways over this one answer."""
        longer = [self._ways[other][1] for other in self._vouched[key] if other in self._ways]
        return bool(longer) and all(way.up and not way.missed for way in longer)

    def receive(self) -> None:
        """Take the answers that have arrived."""
        changed = False
        now = time.monotonic()
        for answer in self._echo.receive():
            for key in self._by_address.get(answer.address, ()):
                changed |= self._ways[key][1].answer(answer.round_trip, now)
        if changed:
            self._changed()

    def _keep(self, key: str, address: str) -> tuple[str, Liveness] | None:
        found = self._ways.get(key)
        return found if found and found[0] == address else None
