# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the clusters of one run wait for each other, without one of them ever holding up another's checks."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable
from dataclasses import dataclass

from .evidence import Evidence
from .types import Place


@dataclass(frozen=True)
class Arrival:
    """A cluster whose pods stand (those with an address), and what its objects say."""

    places: tuple[Place, ...]
    evidence: Evidence


class Meeting:
    """Each cluster arrives (or is given up) once, and leaves once; the others can wait for both."""

    def __init__(self, clusters: Iterable[str]) -> None:
        self._arrivals: dict[str, asyncio.Future[Arrival | None]] = {}
        self._gone: dict[str, asyncio.Event] = {}
        self._light: dict[str, asyncio.Event] = {}
        loop = asyncio.get_running_loop()
        for cluster in clusters:
            self._arrivals[cluster] = loop.create_future()
            self._gone[cluster] = asyncio.Event()
            self._light[cluster] = asyncio.Event()

    def arrive(self, cluster: str, arrival: Arrival) -> None:
        """The cluster's pods stand: others may check them."""
        self._arrivals[cluster].set_result(arrival)

    async def arrival(self, cluster: str) -> Arrival | None:
        """Wait until the cluster has arrived; None if it never will."""
        return await asyncio.shield(self._arrivals[cluster])

    def leave(self, cluster: str) -> None:
        """The cluster checks no more, or was given up. May be said more than once."""
        if not self._arrivals[cluster].done():
            self._arrivals[cluster].set_result(None)
        self._light[cluster].set()
        self._gone[cluster].set()

    async def light_done(self, cluster: str, *, wait: float) -> None:
        """The cluster's light checks are done; wait until all clusters' are, so that no load spoils their times.

        At most `wait` seconds: a slow cluster may be disturbed, but does not hold up the others.
        """
        self._light[cluster].set()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(wait):
                await asyncio.gather(*(event.wait() for event in self._light.values()))

    async def all_gone(self) -> None:
        """Wait until no cluster checks any more, so that no pod is needed as a target."""
        await asyncio.gather(*(event.wait() for event in self._gone.values()))
