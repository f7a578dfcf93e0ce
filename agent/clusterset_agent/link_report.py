# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is told of one link: to the API server seldom, to metrics always."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from .drivers.base import Traffic
from .kernel_state import Link, WireguardLink
from .links import interface_of
from .liveness import Liveness
from .names import link_slot

_BYTES_EVERY = 30.0
_ROUND_TRIP_EVERY = 10.0


@dataclass(frozen=True)
class LinkReport:
    """One link at one moment; times are seconds since the epoch, the round trip is in seconds.

    :ivar forwards: whether the other gateway passes packets on.
    :ivar carrying: whether routes use the link now.
    :ivar size: the largest packet, in bytes, that really passes; 0 if unknown.
    """

    link: Link
    state: str
    round_trip: float | None
    traffic: Traffic
    forwards: bool
    carrying: bool
    size: int
    since: float
    now: float

    def object_name(self, node: str) -> str:
        """Return the name of the Link object."""
        slot = link_slot(self.link.number, self.link.generation)
        return f"{node}.{self.link.peer}.{self.link.remote_node}.{slot}"

    def spec(self, node: str) -> dict[str, Any]:
        """Return the spec of the Link object."""
        spec = {
            "node": node,
            "peer": self.link.peer,
            "remoteGateway": self.link.remote_node,
            "driver": self.link.driver,
            "number": self.link.number,
            "generation": self.link.generation,
            "cost": self.link.cost,
            "interface": interface_of(self.link),
        }
        if isinstance(self.link, WireguardLink):
            spec["port"] = self.link.listen_port
        return spec

    @property
    def message(self) -> str:
        """What a person should know."""
        if self.state == "Up" and not self.forwards:
            return "the other gateway answers but does not forward"
        if self.size and self.size < self.link.mtu:
            return f"packets above {self.size} bytes are lost on the way; the link's MTU is {self.link.mtu}"
        return ""

    def status(self) -> dict[str, Any]:
        """Return the status of the Link object; what is unknown is null, so that a patch removes it."""
        known = self.state == "Up" and self.round_trip is not None
        return {
            "state": self.state,
            "carrying": self.carrying,
            "roundTripMilliseconds": round((self.round_trip or 0.0) * 1000, 2) if known else None,
            "lastHandshake": _time(self.traffic.handshake) if self.traffic.handshake else None,
            "receivedBytes": self.traffic.received,
            "sentBytes": self.traffic.sent,
            "mtu": self.size,
            "message": self.message,
            "since": _time(self.since),
        }


def report(
    link: Link,
    way: Liveness | None,
    traffic: Traffic,
    before: LinkReport | None,
    now: float,
    *,
    forwards: bool,
    carrying: bool,
    size: int = 0,
) -> LinkReport:
    """Put together what is known of a link; ``since`` is kept as long as the state holds."""
    up = way.up if way else None
    word = "Connecting" if up is None else "Up" if up else "Down"
    since = before.since if before and before.state == word else now
    round_trip = way.round_trip if way else None
    return LinkReport(link, word, round_trip, traffic, forwards, carrying, size, since, now)


def worth_writing(written: LinkReport | None, fresh: LinkReport) -> bool:
    """Return whether the API server should hear of it: at once of a new state, now and then of mere numbers."""
    if written is None or _headline(written) != _headline(fresh):
        return True
    age = fresh.now - written.now
    if written.traffic != fresh.traffic and age >= _BYTES_EVERY:
        return True
    return age >= _ROUND_TRIP_EVERY and _differs(written.round_trip, fresh.round_trip)


def _headline(report: LinkReport) -> tuple[Any, ...]:
    return report.state, report.carrying, report.message, report.size, report.traffic.handshake


def _differs(old: float | None, new: float | None) -> bool:
    if old is None or new is None:
        return old is not new
    return abs(new - old) > max(0.5 * old, 0.001)


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
