# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The active half: what one pod finds out about another."""

from __future__ import annotations

import asyncio
import statistics
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from . import icmp, probes, wire

ALL = ("icmp", "tcp", "udp", "source", "large", "bulk", "connections")
OK, FAILED, SKIPPED = "ok", "failed", "skipped"


@dataclass(frozen=True)
class Target:
    """Another verifier pod (or, for `icmp` alone, any address). `expect`: the name it must answer with, if any."""

    name: str
    address: str
    expect: str = ""
    port: int = wire.ECHO_PORT


@dataclass(frozen=True)
class Options:
    """Which checks, how large (bytes), and how long (seconds) each try may take."""

    checks: tuple[str, ...] = ALL
    small_bytes: int = 64
    large_bytes: int = 8000
    bulk_bytes: int = 2_000_000
    connections: int = 200
    at_once: int = 20
    try_seconds: float = 5.0  # two lost SYNs of a loaded host (1 s and 2 s) are no fault of the path
    bulk_seconds: float = 10.0
    tries: int = 5


@dataclass
class Finding:
    """Outcome of one check. `seen`: addresses the other side saw, if not ours; `value`: ms, Mbit/s or a count."""

    name: str
    state: str = OK
    reason: str = ""
    value: float | None = None
    seen: list[str] = field(default_factory=list)


async def check(target: Target, options: Options) -> list[Finding]:
    """All the wanted checks of one target, in the order of `ALL`; never raises for what the network does."""
    run = _Run(target, options)
    await asyncio.gather(*(run.attempt(name) for name in ("icmp", "tcp", "udp")))
    for name in ("large", "bulk", "connections"):
        await run.attempt(name)
    run.judge_source()
    return [run.findings[name] for name in ALL if name in run.findings]


class _Run:
    """The state of checking one target: findings by name, and every address that the target saw."""

    def __init__(self, target: Target, options: Options) -> None:
        self.target, self.options = target, options
        self.findings: dict[str, Finding] = {}
        self.sightings: list[probes.Sighting] = []

    async def attempt(self, name: str) -> None:
        if name not in self.options.checks:
            return
        finding = self.findings[name] = Finding(name)
        needs = {"large": "udp", "bulk": "tcp", "connections": "tcp"}.get(name, "")
        if needs and needs in self.findings and self.findings[needs].state != OK:
            finding.state, finding.reason = SKIPPED, f"{needs} failed"
            return
        methods: dict[str, Callable[[Finding], Awaitable[None]]] = {
            "icmp": self._icmp,
            "tcp": self._tcp,
            "udp": lambda found: self._udp(found, self.options.small_bytes),
            "large": lambda found: self._udp(found, self.options.large_bytes),
            "bulk": self._bulk,
            "connections": self._connections,
        }
        try:
            await methods[name](finding)
        except TimeoutError:
            finding.state, finding.reason = FAILED, finding.reason or "no answer in time"
        except (OSError, ValueError, asyncio.IncompleteReadError) as error:
            finding.state, finding.reason = FAILED, probes.explain(error)

    async def _icmp(self, finding: Finding) -> None:
        tries = self.options.tries
        trips = await icmp.ping(self.target.address, tries=tries, seconds=self.options.try_seconds / 5)
        if not trips:
            raise TimeoutError
        finding.value = round(statistics.median(trips), 3)
        if len(trips) < tries:
            finding.reason = f"{tries - len(trips)} of {tries} lost"

    async def _tcp(self, finding: Finding) -> None:
        sighting, trips = await probes.converse(self.target, self.options.tries, self.options.try_seconds)
        self._note(sighting)
        finding.value = round(statistics.median(trips), 3)

    async def _udp(self, finding: Finding, size: int) -> None:
        tries, seconds = self.options.tries, self.options.try_seconds / 5
        sighting, lost, trip = await probes.datagram(self.target, size, tries, seconds)
        self._note(sighting)
        finding.value = round(trip, 3)
        if lost:
            finding.reason = f"{lost} of {lost + 1} lost"

    async def _bulk(self, finding: Finding) -> None:
        size, seconds = self.options.bulk_bytes, self.options.bulk_seconds
        rates = []
        for command, way in (("take", "to"), ("give", "from")):
            finding.reason = f"{size} bytes {way} the target not moved in {seconds:g} s"
            rates.append(await probes.bulk(self.target, command, size, seconds))
        finding.reason, finding.value = "", round(min(rates), 1)

    async def _connections(self, finding: Finding) -> None:
        sightings, errors = await probes.burst(
            self.target, self.options.connections, self.options.at_once, self.options.try_seconds
        )
        for sighting in sightings:
            self._note(sighting)
        finding.value = float(len(sightings))
        if errors:
            count = sum(errors.values())
            reasons = ", ".join(f"{number} {reason}" for reason, number in sorted(errors.items()))
            finding.state, finding.reason = FAILED, f"{count} of {self.options.connections} failed: {reasons}"

    def _note(self, sighting: probes.Sighting) -> None:
        """Keep what the target saw; ValueError if it is not who we think it is."""
        self.sightings.append(sighting)
        if self.target.expect and sighting.answered_by != self.target.expect:
            raise ValueError(f"answered by {sighting.answered_by or 'a stranger'}, not by {self.target.expect}")

    def judge_source(self) -> None:
        if "source" not in self.options.checks:
            return
        finding = self.findings["source"] = Finding("source")
        finding.seen = sorted({sighting.seen for sighting in self.sightings if sighting.seen != sighting.own})
        if not self.sightings:
            finding.state, finding.reason = SKIPPED, "neither tcp nor udp answered"
        elif finding.seen:
            own = self.sightings[0].own
            finding.state, finding.reason = FAILED, f"sent from {own}, seen as {', '.join(finding.seen)}"
