# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A new agent has to prove itself: what its predecessor used must answer to it, or an upgrade stops by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from .liveness import Liveness

SECONDS = 60.0
"""After this long the fault is elsewhere, and to be unready would only hold up others."""


class Proving:
    """Ways that were in use when the agent started; ``started`` is in seconds of a steady clock."""

    def __init__(self, inherited: Iterable[str], started: float) -> None:
        self._inherited = frozenset(inherited)
        self._started = started

    def passed(self, way: Callable[[str], Liveness | None], now: float) -> bool:
        """Whether every inherited way has answered and is up, as far as it is still wanted, or the time is over."""
        ways = (way(name) for name in self._inherited)
        return now - self._started >= SECONDS or all(_proven(found) for found in ways if found)


def _proven(way: Liveness) -> bool:
    """Whether it is known to be up: an inherited way is taken for alive until it has missed its first probes."""
    return bool(way.up) and way.round_trip is not None
