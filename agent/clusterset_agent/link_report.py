# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is told of one link: to the API server seldom, to metrics always."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from .kernel_state import WireguardLink
from .liveness import Liveness
from .wireguard import WireguardState

_BYTES_EVERY = 30.0
_ROUND_TRIP_EVERY = 10.0


@dataclass(frozen=True)
class LinkReport:
    """One link at one moment; times are seconds since the epoch, the round trip is in seconds."""

    link: WireguardLink
    state: str
    round_trip: float | None
    handshake: int
    received: int
    sent: int
    since: float
    now: float

    def object_name(self, node: str) -> str:
        """Return the name of the Link object."""
        return f"{node}.{self.link.peer}.{self.link.remote_node}"

    def spec(self, node: str) -> dict[str, Any]:
        """Return the spec of the Link object."""
        return {
            "node": node,
            "peer": self.link.peer,
            "remoteGateway": self.link.remote_node,
            "driver": "wireguard",
            "interface": self.link.name,
            "port": self.link.listen_port,
        }

    def status(self) -> dict[str, Any]:
        """Return the status of the Link object; what is unknown is null, so that a patch removes it."""
        known = self.state == "Up" and self.round_trip is not None
        return {
            "state": self.state,
            "roundTripMilliseconds": round((self.round_trip or 0.0) * 1000, 2) if known else None,
            "lastHandshake": _time(self.handshake) if self.handshake else None,
            "receivedBytes": self.received,
            "sentBytes": self.sent,
            "since": _time(self.since),
        }


def report(
    link: WireguardLink, way: Liveness | None, state: WireguardState | None, before: LinkReport | None, now: float
) -> LinkReport:
    """Put together what probes and WireGuard tell of a link; ``since`` is kept as long as the state holds."""
    up = way.up if way else None
    word = "Connecting" if up is None else "Up" if up else "Down"
    peer = state.peers.get(link.public_key) if state else None
    fresh = LinkReport(
        link=link,
        state=word,
        round_trip=way.round_trip if way else None,
        handshake=peer.handshake if peer else 0,
        received=peer.received if peer else 0,
        sent=peer.sent if peer else 0,
        since=now,
        now=now,
    )
    return replace(fresh, since=before.since) if before and before.state == word else fresh


def worth_writing(written: LinkReport | None, fresh: LinkReport) -> bool:
    """Return whether the API server should hear of it: at once of a new state, now and then of mere numbers."""
    if written is None or (written.state, written.handshake) != (fresh.state, fresh.handshake):
        return True
    age = fresh.now - written.now
    if (written.received, written.sent) != (fresh.received, fresh.sent) and age >= _BYTES_EVERY:
        return True
    return age >= _ROUND_TRIP_EVERY and _differs(written.round_trip, fresh.round_trip)


def _differs(old: float | None, new: float | None) -> bool:
    if old is None or new is None:
        return old is not new
    return abs(new - old) > max(0.5 * old, 0.001)


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
