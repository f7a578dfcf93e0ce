# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Probes every way several times a second and tells at once when one dies or comes back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from .icmp import Echo
from .liveness import Liveness

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
        self._vouched: Mapping[str, str] = {}
        self._round = 0

    @property
    def verdicts(self) -> dict[str, bool | None]:
        """What each way has shown: it answers, it is dead, or None if it never answered."""
        return {key: way.up for key, (_address, way) in self._ways.items()}

    def way(self, key: str) -> Liveness | None:
        """Return what is known of one way."""
        found = self._ways.get(key)
        return found[1] if found else None

    def follow(
        self,
        addresses: Mapping[str, str],
        assumed: frozenset[str] = frozenset(),
        vouched: Mapping[str, str] | None = None,
    ) -> None:
        """Probe exactly these; known ones keep their state, new ones in ``assumed`` begin as alive.

        :param vouched: key -> the key of a longer way over the same one: while that answers, the shorter is well, too.
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
        chosen = [
            (address, way)
            for key, (address, way) in self._ways.items()
            if (way.suspect if suspects_only else not self._at_ease(key))
        ]
        changes = [way.tick() for _address, way in chosen]
        if any(changes):
            self._changed()
        for number, (address, _way) in enumerate(chosen):
            if number % _AT_ONCE == 0:
                self._echo.prepare()
            self._echo.send(address)

    def _at_ease(self, key: str) -> bool:
        """Whether this round may do without a probe of the way."""
        longer = self._ways.get(self._vouched.get(key, ""))
        return longer is not None and bool(longer[1].up) and not longer[1].missed and self._round % AT_EASE != 0

    def receive(self) -> None:
        """Take the answers that have arrived."""
        changed = False
        for answer in self._echo.receive():
            for key in self._by_address.get(answer.address, ()):
                changed |= self._ways[key][1].answer(answer.round_trip)
        if changed:
            self._changed()

    def _keep(self, key: str, address: str) -> tuple[str, Liveness] | None:
        found = self._ways.get(key)
        return found if found and found[0] == address else None
