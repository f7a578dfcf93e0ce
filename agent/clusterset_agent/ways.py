# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a node probes, and which links and gateways are fit for use after what the probes say: pure functions."""

from __future__ import annotations

from collections.abc import Mapping

from . import probe_points
from .kernel_state import Link
from .situation import Situation
from .wanted import NodeAddress

WITNESSES = 2
"""Peers that a node asks through each of its gateways; more would not tell more of the gateway itself."""

Verdicts = Mapping[str, bool | None]
"""What the probes say by key: answered, dead, or None for never answered yet."""


def probed(situation: Situation, links: tuple[Link, ...]) -> dict[str, str]:
    """Return the address of each probe by its key.

    Keys: the name of a link, ``NAME/beyond`` for what lies behind it; the tunnel address of a gateway of this
    cluster, ``ADDRESS/beyond`` for the gateway behind it, ``ADDRESS/PEER`` for a peer asked through that gateway.
    """
    ways = {link.name: link.there for link in links}
    ways |= {_beyond(link.name): link.beyond for link in links if link.beyond}
    ways |= {gateway.tunnel: gateway.tunnel for gateway in situation.other_gateways}
    if situation.gateway is None:
        for gateway, ordinal in situation.ordinals():
            if situation.behind(ordinal):
                ways[_beyond(gateway.tunnel)] = probe_points.beyond(situation.fabric.tunnel, ordinal, 0)
            for peer in situation.wanted.peers[:WITNESSES]:
                ways[_through(gateway, peer.cluster)] = probe_points.anywhere(peer.tunnel, ordinal)
    return ways


def vouched(links: tuple[Link, ...]) -> dict[str, str]:
    """Return which probes another one makes needless as long as it is answered: what lies beyond a link's other end."""
    return {link.name: _beyond(link.name) for link in links if link.beyond}


def fit(situation: Situation, links: tuple[Link, ...], verdicts: Verdicts) -> frozenset[str]:
    """Return the names of links and the tunnel addresses of gateways that answer and forward."""
    good = {link.name for link in links if verdicts.get(link.name) and not _swallows(link.name, link.witness, verdicts)}
    answering = [(gateway, ordinal) for gateway, ordinal in situation.ordinals() if verdicts.get(gateway.tunnel)]
    for gateway, ordinal in answering:
        behind = situation.behind(ordinal)
        swallows = behind is not None and _swallows(gateway.tunnel, behind.tunnel, verdicts)
        if not swallows and not _cut_off(situation, gateway, answering, verdicts):
            good.add(gateway.tunnel)
    return frozenset(good)


def _swallows(way: str, witness: str, verdicts: Verdicts) -> bool:
    """Whether the other end answers but does not forward: the node behind it is well and not reached through it."""
    return verdicts.get(_beyond(way)) is False and bool(verdicts.get(witness))


def _cut_off(
    situation: Situation, gateway: NodeAddress, answering: list[tuple[NodeAddress, int]], verdicts: Verdicts
) -> bool:
    """Whether some peer is reached through another gateway and not through this one."""
    for peer in situation.wanted.peers[:WITNESSES]:
        reached = any(verdicts.get(_through(other, peer.cluster)) for other, _ordinal in answering)
        if reached and verdicts.get(_through(gateway, peer.cluster)) is False:
            return True
    return False


def _beyond(way: str) -> str:
    return f"{way}/beyond"


def _through(gateway: NodeAddress, peer: str) -> str:
    return f"{gateway.tunnel}/{peer}"
