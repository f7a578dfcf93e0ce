# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a peer is alive: judged by its sign of life, by our own clock, and by our own links to it."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Standing(enum.Enum):
    """What becomes of a peer's endpoints; the value is for people."""

    ALIVE = "alive"
    UNKNOWN = "not heard of since our start; what was there is kept"
    FORWARDS = "its API does not answer, but a link to it is up: its endpoints are kept"
    DEAD = "neither its API nor a link answers: its endpoints are withdrawn"
    FENCED = "fenced: its endpoints are withdrawn"

    @property
    def withdrawn(self) -> bool:
        """Whether its endpoints are taken out."""
        return self in (Standing.DEAD, Standing.FENCED)


@dataclass(frozen=True)
class Signs:
    """What is known of a peer; times are of our own steady clock, None for never.

    :ivar started: when we began to look.
    :ivar heard: when its sign of life was last seen to change.
    :ivar link_up: whether one of our gateways has a link to it that is up.
    """

    started: float
    heard: float | None = None
    link_up: bool = False
    fenced: bool = False


def judge(signs: Signs, now: float, timeout: float) -> Standing:
    """Return the peer's standing. Clocks of clusters are never compared: only how long we have heard nothing counts."""
    if signs.fenced:
        return Standing.FENCED
    since = signs.started if signs.heard is None else signs.heard
    if now - since <= timeout:
        return Standing.UNKNOWN if signs.heard is None else Standing.ALIVE
    return Standing.FORWARDS if signs.link_up else Standing.DEAD


def links_up(links: list[dict[str, object]], peer: str, via: str = "") -> bool:
    """Whether some link to the peer answers. Links to a cluster in the middle prove nothing of the one behind it."""
    if via:
        return False
    found = (item for item in links if _field(item, "spec", "peer") == peer)
    return any(_field(item, "status", "state") == "Up" for item in found)


def _field(item: dict[str, object], part: str, name: str) -> object:
    inner = item.get(part)
    return inner.get(name) if isinstance(inner, dict) else None
