# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a rehearsal is asked for and what it finds: plain values. Gaps and stalls are milliseconds."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from dataclasses import dataclass, field

from ..model.types import ClusterModel
from .types import ClusterReport, Place

MET, MISSED, REPORTED, SKIPPED, UNKNOWN = "met", "missed", "reported", "skipped", "unknown"
"""States of a repetition. `reported` has no bound; `unknown` could not be judged."""


@dataclass(frozen=True)
class Wishes:
    """How to rehearse.

    `images` (the agent's) and `deadlines` (seconds for the start, and for each repetition) are by inventory host name.
    `scenarios` are names, none for all. `seconds`: how long a fault lasts. `models`: every cluster of the clusterset.
    """

    images: Mapping[str, str]
    deadlines: Mapping[str, float] = field(default_factory=dict)
    scenarios: tuple[str, ...] = ()
    times: int = 3
    seconds: int = 12
    models: tuple[ClusterModel, ...] = ()


@dataclass(frozen=True)
class Stream:
    """What passed from one pod to another and back while something was done to the way between.

    `late`: how far behind its time the pod sent at most; a gap that is not longer may be the pod's own.
    `unread`: datagrams of any stream that the source's pod had no room for, since it did not get to read them.
    `broken`: why the TCP connection did not survive, "" if it did. `unknown`: why nothing is known, "" if it is.
    """

    source: Place
    target: Place
    sent: int = 0
    lost: int = 0
    gap: float = 0.0
    late: float = 0.0
    unread: int = 0
    stall: float = 0.0
    own: str = ""
    seen: tuple[str, ...] = ()
    broken: str = ""
    unknown: str = ""

    @property
    def label(self) -> str:
        """Both ends."""
        return f"{self.source.label} -> {self.target.label}"

    @property
    def strangers(self) -> tuple[str, ...]:
        """Addresses that the receiver saw instead of the sender's own."""
        return tuple(address for address in self.seen if address != self.own)

    @property
    def silent(self) -> bool:
        """Nothing at all came back."""
        return not self.unknown and self.lost == self.sent


@dataclass(frozen=True)
class Window:
    """All streams of one span of time."""

    streams: tuple[Stream, ...] = ()

    @property
    def sent(self) -> int:
        """Datagrams of all streams."""
        return sum(stream.sent for stream in self.streams)

    @property
    def lost(self) -> int:
        """Datagrams without an answer."""
        return sum(stream.lost for stream in self.streams)

    @property
    def gap(self) -> float:
        """The longest time between two answers of any stream."""
        return max((stream.gap for stream in self.streams), default=0.0)

    @property
    def stall(self) -> float:
        """The longest time in which any TCP connection moved nothing."""
        return max((stream.stall for stream in self.streams), default=0.0)


@dataclass(frozen=True)
class Repetition:
    """One run of a scenario; `where` is what was afflicted. `number` counts from 1, 0 for a scenario not run at all."""

    scenario: str
    number: int
    cluster: str
    where: str
    state: str
    reasons: tuple[str, ...] = ()
    bound: str = ""
    during: Window = field(default_factory=Window)
    after: Window | None = None  # the healing, where the scenario has one
    notes: tuple[str, ...] = ()
    seconds: float = 0.0


@dataclass(frozen=True)
class Summary:
    """All repetitions of one scenario that were measured."""

    scenario: str
    times: int
    met: int
    sent: int
    lost: int
    median_gap: float
    longest_gap: float
    longest_stall: float


@dataclass(frozen=True)
class Rehearsal:
    """The whole run; `problems` are what was wrong apart from any scenario, by cluster."""

    clusters: tuple[ClusterReport, ...] = ()
    repetitions: tuple[Repetition, ...] = ()
    problems: tuple[tuple[str, str], ...] = ()
    seconds: float = 0.0
    started: str = field(default="", compare=False)  # RFC 3339, UTC

    def faulty(self) -> tuple[str, ...]:
        """Clusters that took no part, have a problem, or where a bound was missed or could not be judged; by name."""
        found = {report.cluster for report in self.clusters if report.reason}
        found |= {cluster for cluster, _text in self.problems}
        found |= {each.cluster for each in self.repetitions if each.state in (MISSED, UNKNOWN)}
        return tuple(sorted(found))

    def summaries(self) -> tuple[Summary, ...]:
        """One for each scenario that was measured, in the order of the run."""
        measured = [each for each in self.repetitions if each.during.streams]
        names = dict.fromkeys(each.scenario for each in measured)
        return tuple(_summary(name, [each for each in measured if each.scenario == name]) for name in names)


def _summary(name: str, several: list[Repetition]) -> Summary:
    windows = [each.during for each in several]
    return Summary(
        scenario=name,
        times=len(several),
        met=sum(each.state in (MET, REPORTED) for each in several),
        sent=sum(window.sent for window in windows),
        lost=sum(window.lost for window in windows),
        median_gap=statistics.median(window.gap for window in windows),
        longest_gap=max(window.gap for window in windows),
        longest_stall=max(window.stall for window in windows),
    )
