# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When something counts as alive: a pure state machine over probes sent and answered."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

MISSES = 3
"""Probes in a row without any answer after which a way is dead."""
HOLD = 5
"""Probes in a row with an answer after which a dead way is used again."""
NEAR = 0.05
"""Round trip, in seconds, below which an answer is due before the next of the faster probes."""
_WEIGHT = 0.2
"""Weight of the newest round trip in the smoothed one."""


class Verdict(NamedTuple):
    """What the probes of one way say at one moment; times are seconds before it, infinite for never.

    :ivar up: it answers, it is dead, or None if it never answered.
    :ivar up_for: how long it has been up without a break.
    :ivar answered: when the probe was sent that was answered last.
    :ivar missing: when the first of the probes was sent that went without an answer, the last time that one did.
    """

    up: bool | None = None
    up_for: float = 0.0
    answered: float = math.inf
    missing: float = math.inf


@dataclass
class Liveness:
    """One way that is probed. ``up`` is None until the first answer or the first death. Times are of a steady clock."""

    up: bool | None = None
    round_trip: float | None = None
    """Smoothed, in seconds."""
    missed: int = 0
    answered: int = 0
    up_since: float = -math.inf
    _answered_at: float = -math.inf
    _missing_since: float = -math.inf
    _sent_at: float = -math.inf
    _waiting: bool = False

    @property
    def suspect(self) -> bool:
        """Whether a near way has begun to miss: asked more often, it is known to be dead or well sooner."""
        return bool(self.up) and self.missed > 0 and self.round_trip is not None and self.round_trip < NEAR

    def verdict(self, now: float) -> Verdict:
        """Return what is known now."""
        up_for = now - self.up_since if self.up else 0.0
        return Verdict(self.up, up_for, now - self._answered_at, now - self._missing_since)

    def tick(self, now: float) -> bool:
        """Judge the time since the last tick, at which a probe was sent; return whether ``up`` changed."""
        if self._waiting:
            if not self.missed:
                self._missing_since = self._sent_at
            self.missed += 1
            self.answered = 0
        self._waiting = True
        self._sent_at = now
        if self.missed >= MISSES and self.up is not False:
            was = self.up
            self.up = False if was else None
            return bool(was)
        return False

    def answer(self, round_trip: float, now: float) -> bool:
        """Take an answer, however late; return whether ``up`` changed, or a dead way has begun to answer again."""
        self._waiting = False
        self._answered_at = now - round_trip  # a late answer says how things were when it was asked for
        self.missed = 0
        self.answered += 1
        old = self.round_trip
        self.round_trip = round_trip if old is None else old + _WEIGHT * (round_trip - old)
        if self.up or (self.up is False and self.answered < HOLD):
            return self.up is False and self.answered == 1
        self.up = True
        self.up_since = now
        return True
