# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a node probes, and which links and gateways are fit for use after what the probes say: pure functions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from . import probe_points
from .kernel_state import Link
from .links import takes
from .liveness import Verdict
from .situation import Situation
from .wanted import NodeAddress

WITNESSES = 2
"""Peers that a node asks through each of its gateways; more would not tell more of the gateway itself."""

STEADY = 5.0
"""Seconds after which a way that came back is believed to have been well all the time."""

RECENTLY = 0.5
"""Seconds after which an answer is no news any more."""

Verdicts = Mapping[str, Verdict]
"""What the probes say, by key."""
_UNKNOWN = Verdict()


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


def vouched(links: tuple[Link, ...]) -> dict[str, list[str]]:
    """Return which probes are needless as long as others are answered.

    Of a link nothing more is asked while what lies beyond it answers; but it is a witness, too, and has to be heard as
    soon as something fails that it can tell about.
    """
    beyond = {link.name: [_beyond(link.name)] for link in links if link.beyond}
    for link in links:
        if link.witness in beyond:
            beyond[link.witness].append(_beyond(link.name))
    return beyond


@dataclass(frozen=True)
class Fitness:
    """Names of links and tunnel addresses of gateways: what is fit for use, and what was when there was any.

    :ivar last: of the links of a peer that take a family, or of this cluster's gateways, when none of them is fit:
        those that begin to answer again, else those that were fit before all failed together. A fault in the probing
        itself looks just like that, so they are better than those known to be bad for longer.
    """

    fit: frozenset[str] = frozenset()
    last: frozenset[str] = frozenset()


def judge(situation: Situation, links: tuple[Link, ...], verdicts: Verdicts, before: Fitness) -> Fitness:
    """Return what is fit now; ``before`` is what was."""
    now = fit(situation, links, verdicts)
    peers = {link.peer for link in links}
    groups = [
        {link.name for link in links if link.peer == peer and takes(link, family)}
        for peer in peers
        for family in situation.families
    ]
    groups.append({gateway.tunnel for gateway in situation.other_gateways})
    known = before.fit | before.last
    failed = [group for group in groups if not group & now]
    return Fitness(now, frozenset().union(*(_answering(group, verdicts) or known & group for group in failed)))


def _answering(group: set[str], verdicts: Verdicts) -> set[str]:
    """Return what has just answered: it is used without its hold time where there is nothing better."""
    return {name for name in group if verdicts.get(name, _UNKNOWN).answered < RECENTLY}


def fit(situation: Situation, links: tuple[Link, ...], verdicts: Verdicts) -> frozenset[str]:
    """Return the names of links and the tunnel addresses of gateways that answer and forward."""
    good = {
        link.name for link in links if _up(link.name, verdicts) and not _swallows(link.name, link.witness, verdicts)
    }
    answering = [(gateway, ordinal) for gateway, ordinal in situation.ordinals() if _up(gateway.tunnel, verdicts)]
    for gateway, ordinal in answering:
        behind = situation.behind(ordinal)
        swallows = behind is not None and _swallows(gateway.tunnel, behind.tunnel, verdicts)
        if not swallows and not _cut_off(situation, gateway, answering, verdicts):
            good.add(gateway.tunnel)
    return frozenset(good)


def _up(key: str, verdicts: Verdicts) -> bool:
    return bool(verdicts.get(key, _UNKNOWN).up)


def _swallows(way: str, witness: str, verdicts: Verdicts) -> bool:
    """Whether the other end answers but does not forward: the node behind it is well and not reached through it."""
    return _only_this_fails(_beyond(way), witness, verdicts)


def _only_this_fails(key: str, witness: str, verdicts: Verdicts) -> bool:
    """Whether a probe fails while its witness is well.

    The witness must have answered since, or both may have died together; and it must have been well before, or both
    may be coming back together.
    """
    failing, other = verdicts.get(key, _UNKNOWN), verdicts.get(witness, _UNKNOWN)
    well = bool(other.up) and other.answered < failing.missing
    return failing.up is False and well and other.up_for > min(failing.missing, STEADY)


def _cut_off(
    situation: Situation, gateway: NodeAddress, answering: list[tuple[NodeAddress, int]], verdicts: Verdicts
) -> bool:
    """Whether some peer is reached through another gateway and not through this one."""
    return any(
        _only_this_fails(_through(gateway, peer.cluster), _through(other, peer.cluster), verdicts)
        for peer in situation.wanted.peers[:WITNESSES]
        for other, _ordinal in answering
    )


def _beyond(way: str) -> str:
    return f"{way}/beyond"


def _through(gateway: NodeAddress, peer: str) -> str:
    return f"{gateway.tunnel}/{peer}"
