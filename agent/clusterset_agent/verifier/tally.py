# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Counting what a steady stream of questions gets for answers; pure, the clock is given. Times are seconds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Tally:
    """Numbered questions and their answers since ``began``.

    ``longest`` is the longest time between two answers, ``late`` how far behind its time the latest question was sent:
    a large one says that this pod had no processor, so that a gap may be its own.
    """

    began: float
    sent: int = 0
    late: float = 0.0
    longest: float = 0.0
    answered: set[int] = field(default_factory=set)
    seen: set[str] = field(default_factory=set)
    _last_answer: float | None = None
    _last_question: float = 0.0

    def ask(self, now: float, due: float) -> int:
        """Note a question that was due at ``due``; returns its number."""
        self.late = max(self.late, now - due)
        self._last_question = now
        self.sent += 1
        return self.sent - 1

    def answer(self, number: int, now: float, seen: str = "") -> None:
        """Note an answer, and the address that the other side saw."""
        if not 0 <= number < self.sent:
            return
        self._note_gap(now)
        self._last_answer = now
        self.answered.add(number)
        if seen:
            self.seen.add(seen)

    def close(self) -> None:
        """No more answers are waited for: a silence at the end counts up to the last question."""
        if self.sent and self.sent - 1 not in self.answered:
            self._note_gap(self._last_question)

    @property
    def lost(self) -> int:
        """Questions without an answer."""
        return self.sent - len(self.answered)

    def _note_gap(self, now: float) -> None:
        since = self.began if self._last_answer is None else self._last_answer
        self.longest = max(self.longest, now - since)


def summary(tallies: Iterable[Tally]) -> dict[str, Any]:
    """Several tallies towards one target as plain values: counts are sums, times (ms) the worst of them."""
    several = list(tallies)
    return {
        "sent": sum(tally.sent for tally in several),
        "lost": sum(tally.lost for tally in several),
        "gap": milliseconds(max((tally.longest for tally in several), default=0.0)),
        "late": milliseconds(max((tally.late for tally in several), default=0.0)),
        "seen": sorted(set().union(*(tally.seen for tally in several))),
    }


def milliseconds(seconds: float) -> float:
    """Milliseconds, to a tenth."""
    return round(seconds * 1000, 1)
