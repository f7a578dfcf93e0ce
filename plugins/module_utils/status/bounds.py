# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether what was measured is good enough: a pure judgement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .rehearsal import MET, MISSED, REPORTED, UNKNOWN, Stream, Window


@dataclass(frozen=True)
class Bound:
    """`lost`: datagrams that may be lost; `gap`: ms that no gap may reach. None: not bounded.

    `survives`: TCP connections live on. `heals`: nothing is lost in the window of the healing.
    """

    lost: int | None = None
    gap: float | None = None
    survives: bool = False
    heals: bool = False

    def __str__(self) -> str:
        words = [
            f"{self.lost} lost" if self.lost is not None else "",
            f"gap < {self.gap:.0f} ms" if self.gap is not None else "",
            "TCP survives" if self.survives else "",
            "healing 0 lost" if self.heals else "",
        ]
        return ", ".join(filter(None, words)) or "none"

    @property
    def any(self) -> bool:
        """Whether there is anything to miss."""
        return self != Bound()


def judge(
    bound: Bound, during: Window, after: Window | None, doubts: Sequence[str] = ()
) -> tuple[str, tuple[str, ...]]:
    """State and reasons of a repetition; `doubts` are why the measurement may mean nothing.

    What was seen going wrong counts more than a doubt.
    """
    missed = _missed(bound, during, after) if bound.any else []
    if missed:
        return MISSED, (*missed, *doubts)
    windows = [during, after] if after else [during]
    blind = sorted({f"{each.label}: {each.unknown}" for window in windows for each in window.streams if each.unknown})
    counted = [during] if bound.lost is not None else []
    counted += [after] if after and bound.heals else []
    blind += [text for window in counted for text in _unread(window)]
    if not during.streams:
        blind.append("no stream was measured")
    if bound.heals and after is None:
        blind.append("the healing was not measured")
    if blind or doubts:
        return UNKNOWN, (*doubts, *blind)
    return (MET if bound.any else REPORTED), ()


def _missed(bound: Bound, during: Window, after: Window | None) -> list[str]:
    found = []
    if bound.lost is not None and sum(each.lost for each in _lost(during)) > bound.lost:
        found += [f"{each.lost} of {each.sent} lost {each.label}" for each in _lost(during)]
    if bound.gap is not None:
        found += [f"gap of {each.gap:.0f} ms {each.label}" for each in during.streams if each.gap >= bound.gap]
    if bound.survives:
        found += _broken(during)
    if after is not None and bound.heals:
        found += [f"healing: {each.lost} of {each.sent} lost {each.label}" for each in _lost(after)]
        found += [f"healing: {text}" for text in _broken(after)]
    return found + _strange([*during.streams, *(after.streams if after else ())])


def _lost(window: Window) -> list[Stream]:
    """Streams that the network lost something of: more than what both pods had no room for themselves."""
    room = {each.source.label: each.unread for each in window.streams}
    return [each for each in window.streams if each.lost > each.unread + room.get(each.target.label, 0)]


def _unread(window: Window) -> list[str]:
    """What was lost, but perhaps only at the ends: the machine was too busy for a measurement."""
    lost = _lost(window)
    return [
        f"{each.label}: {each.lost} of {each.sent} lost, but its pods themselves had no room for as many"
        for each in window.streams
        if each.lost and each not in lost
    ]


def _broken(window: Window) -> list[str]:
    return [f"TCP {each.label}: {each.broken}" for each in window.streams if each.broken]


def _strange(streams: Sequence[Stream]) -> list[str]:
    """A receiver that saw another address than the sender's: somebody masquerades while things change."""
    return sorted({f"{each.label} was seen as {', '.join(each.strangers)}" for each in streams if each.strangers})
