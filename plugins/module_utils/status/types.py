# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a verification finds: plain values. Milliseconds are round trips, seconds are durations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

CHECKS = ("icmp", "tcp", "udp", "source", "large", "bulk", "connections")
"""Checks of a pair, in the order of the report. `large` is UDP above the MTU, `source` the address the receiver saw."""

OK, FAILED, SKIPPED, UNKNOWN = "ok", "failed", "skipped", "unknown"


@dataclass(frozen=True)
class Options:
    """How to verify.

    `images` (the agent's) and `deadlines` (seconds, without the clean-up) are by inventory host name. `nodes`: `sample`
    is one gateway and one other node in each cluster, `all` is each ready Linux node. `within` adds the pairs inside
    each cluster. `apart` are pairs of host names, each in alphabetical order, that have no way to each other by design.
    Sizes are bytes.
    """

    images: Mapping[str, str]
    deadlines: Mapping[str, float] = field(default_factory=dict)
    nodes: str = "sample"
    within: bool = False
    apart: frozenset[tuple[str, str]] = frozenset()
    large_bytes: int = 8000
    bulk_bytes: int = 2_000_000
    connections: int = 200

    def connects(self, a: str, b: str) -> bool:
        """Whether the pods of these two clusters are to reach each other."""
        return (min(a, b), max(a, b)) not in self.apart


@dataclass(frozen=True)
class Place:
    """One verifier pod: where it runs, and its address (empty where it never got one).

    `second` is its IPv6 address where it has both; `family` is "IPv6" for the place that stands for that one.
    """

    cluster: str
    node: str
    pod: str
    gateway: bool = False
    address: str = ""
    reason: str = ""  # why it takes no part, if it does not
    second: str = ""
    family: str = ""

    @property
    def name(self) -> str:
        """Cluster and node, as the pod calls itself; the cluster alone where no node was chosen."""
        return f"{self.cluster}/{self.node}" if self.node else self.cluster

    @property
    def label(self) -> str:
        """The same with the family where there are two, as every message names the place."""
        return f"{self.name} {self.family}" if self.family else self.name


@dataclass(frozen=True)
class Check:
    """Outcome of one check of a pair; `value`: ms (icmp, tcp, udp, large), Mbit/s (bulk) or a count (connections)."""

    name: str
    state: str
    reason: str = ""
    value: float | None = None
    seen: tuple[str, ...] = ()


@dataclass(frozen=True)
class Pair:
    """What the pod at `source` found out about the pod at `target`; `hop` and `evidence` explain a failure."""

    source: Place
    target: Place
    state: str
    checks: tuple[Check, ...] = ()
    reason: str = ""
    hop: str = ""
    evidence: tuple[str, ...] = ()

    @property
    def failed(self) -> tuple[str, ...]:
        """Names of the failed checks."""
        return tuple(check.name for check in self.checks if check.state == FAILED)

    @property
    def milliseconds(self) -> float | None:
        """Median round trip: of ICMP, else of TCP."""
        values = {check.name: check.value for check in self.checks if check.state == OK}
        return values.get("icmp") or values.get("tcp")


@dataclass(frozen=True)
class NameAnswer:
    """What the resolver of one pod said to the API server's own name."""

    place: Place
    ok: bool
    reason: str = ""
    milliseconds: float = 0.0


@dataclass(frozen=True)
class ClusterReport:
    """One cluster's part; `reason` and `fix` are empty unless it could not take part."""

    cluster: str
    cluster_id: str = ""
    reason: str = ""
    fix: str = ""
    places: tuple[Place, ...] = ()
    names: tuple[NameAnswer, ...] = ()
    notes: tuple[str, ...] = ()
    seconds: float = 0.0
    requests: int = 0


@dataclass(frozen=True)
class Verification:
    """The whole run."""

    clusters: tuple[ClusterReport, ...] = ()
    pairs: tuple[Pair, ...] = ()
    seconds: float = 0.0
    started: str = field(default="", compare=False)  # RFC 3339, UTC

    def faulty(self) -> tuple[str, ...]:
        """Clusters that have a failed or unknown pair at either end, bad DNS, or did not take part; by name."""
        found = {report.cluster for report in self.clusters if report.reason}
        found |= {report.cluster for report in self.clusters if any(not answer.ok for answer in report.names)}
        found |= {report.cluster for report in self.clusters if any(place.reason for place in report.places)}
        for pair in self.pairs:
            found |= _blamed(pair, found)
        return tuple(sorted(found))


def _blamed(pair: Pair, known: set[str]) -> set[str]:
    """A pair that is unknown because its other cluster is known to be absent says nothing against this one."""
    ends = {pair.source.cluster, pair.target.cluster}
    if pair.state == OK or (pair.state == UNKNOWN and ends & known):
        return set()
    return ends
