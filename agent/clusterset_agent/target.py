# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pure heart of the agent: the node's situation and what is fit for use in, state of the kernel out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from . import probe_points
from .kernel_state import DirectLink, Hop, KernelState, Link, Neighbour, Route, Vxlan
from .links import hop_of, links_of
from .names import OVERLAY, overlay_mac, overlay_vni
from .ruleset import Ranges, Role, render
from .situation import Situation, successor
from .ways import Fitness

VXLAN_OVERHEAD = 50
"""Bytes that VXLAN over IPv4 adds to each packet."""


def kernel_state(situation: Situation, fitness: Fitness) -> KernelState:
    """Return what the kernel of the node should hold.

    :param fitness: which links and which of this cluster's gateways may be used.
    """
    facts, links = situation.facts, links_of(situation)
    lines = {link.device for link in links if isinstance(link, DirectLink)}
    return KernelState(
        address=situation.me.tunnel,
        overlay=_overlay(situation),
        links=links,
        neighbours=_neighbours(situation),
        routes=routes(situation, fitness),
        ruleset=render(_ranges(situation), facts, _role(situation, links)),
        generations=situation.fabric.generations if situation.gateway else (),
        transports=(*facts.transports, *facts.shared, *sorted(lines)),
    )


def routes(situation: Situation, fitness: Fitness) -> tuple[Route, ...]:
    """Return all routes of the node: to nodes on the overlay, to what is probed, to the peers' ranges."""
    links, source = links_of(situation), situation.me.tunnel
    result = [Route(f"{neighbour.tunnel}/32", (Hop(OVERLAY),), source) for neighbour in _neighbours(situation)]
    result += _held(situation)
    result += _probes(situation, links)
    gateways = tuple(address.tunnel for address in situation.other_gateways)
    for peer in situation.wanted.peers:
        own = [link for link in links if link.peer == (peer.via or peer.cluster)]
        hops = _hops(own, gateways, fitness, situation.draining)
        if hops:
            result += [Route(destination, hops, source) for destination in dict.fromkeys(peer.ranges)]
    return tuple(result)


def carrying(situation: Situation, fitness: Fitness) -> frozenset[str]:
    """Return the names of the links that the routes use now."""
    links = links_of(situation)
    used = {hop for route in routes(situation, fitness) if not route.local for hop in route.hops if not _single(route)}
    return frozenset(link.name for link in links if hop_of(link) in used)


def _single(route: Route) -> bool:
    """Whether a route is for one address only, as those of probes and nodes are."""
    return route.destination.endswith("/32")


def _held(situation: Situation) -> Iterator[Route]:
    """The addresses that a gateway answers for; see :mod:`probe_points`."""
    mine, fabric = situation.gateway, situation.fabric
    if mine is None:
        return
    ordinals = [gateway.ordinal for gateway in fabric.gateways]
    held = [probe_points.here_block(fabric.tunnel, mine.ordinal), probe_points.anywhere_block(fabric.tunnel)]
    held += [probe_points.beyond_block(fabric.tunnel, o) for o in ordinals if successor(o, ordinals) == mine.ordinal]
    for network in held:
        yield Route(network, (Hop(OVERLAY),), situation.me.tunnel, local=True)
    behind = situation.behind(mine.ordinal)
    if behind:
        network = probe_points.beyond_block(fabric.tunnel, mine.ordinal)
        yield Route(network, (Hop(OVERLAY, behind.tunnel),), situation.me.tunnel)


def _probes(situation: Situation, links: Sequence[Link]) -> Iterator[Route]:
    """A probe must go out and come back on the very way that it tests, whatever the ranges' routes say."""
    for link in links:
        yield Route(f"{link.there}/32", (hop_of(link),), link.here)
        if link.beyond:
            yield Route(f"{link.beyond}/32", (hop_of(link),), link.here)
    if situation.gateway is None:
        for gateway, ordinal in situation.ordinals():
            addresses = [probe_points.anywhere(peer.tunnel, ordinal) for peer in situation.wanted.peers]
            if situation.behind(ordinal):
                addresses.append(probe_points.beyond(situation.fabric.tunnel, ordinal, 0))
            for address in addresses:
                yield Route(f"{address}/32", (Hop(OVERLAY, gateway.tunnel),), situation.me.tunnel)


def _hops(links: Sequence[Link], gateways: Sequence[str], fitness: Fitness, draining: bool) -> tuple[Hop, ...]:
    """Choose the ways to one peer: fit links, else other fit gateways, else what was fit last, else what there is.

    When nothing answers, the fault may be in the probing: taking all ways out of use would make it certain.
    """
    ways = []
    for chosen in (fitness.fit, fitness.last):
        ways.append([hop_of(link) for link in _best([link for link in links if link.name in chosen], newest=True)])
        ways.append([Hop(OVERLAY, via) for via in gateways if via in chosen])
    if draining:
        ways[:2] = reversed(ways[:2])
    ways.append([hop_of(link) for link in _best(links, newest=False)])
    ways.append([Hop(OVERLAY, via) for via in gateways])
    return tuple(sorted(next((way for way in ways if way), [])))


def _best(links: Sequence[Link], *, newest: bool) -> list[Link]:
    """The cheapest links, and of two generations of keys one: the new one has to prove itself first."""
    cost = min((link.cost for link in links), default=0)
    chosen: dict[tuple[int, str], Link] = {}
    for link in sorted(links, key=lambda link: link.generation, reverse=not newest):
        if link.cost == cost:
            chosen[link.number, link.remote_node] = link
    return list(chosen.values())


def _overlay(situation: Situation) -> Vxlan:
    fabric, me = situation.fabric, situation.me
    return Vxlan(
        name=OVERLAY,
        vni=overlay_vni(fabric.index),
        port=fabric.vxlan_port,
        local=me.underlay,
        device=situation.facts.device,
        mac=overlay_mac(me.tunnel),
        mtu=fabric.underlay_mtu - VXLAN_OVERHEAD,
    )


def _neighbours(situation: Situation) -> tuple[Neighbour, ...]:
    """Gateways know every node, other nodes know the gateways only."""
    me, nodes = situation.me, situation.wanted.nodes
    if situation.gateway is not None:
        others = tuple(address for address in nodes if address.node != me.node)
    else:
        others = situation.other_gateways
    return tuple(Neighbour(other.tunnel, overlay_mac(other.tunnel), other.underlay) for other in others)


def _role(situation: Situation, links: Sequence[Link]) -> Role:
    return Role(
        gateway=situation.gateway is not None,
        transit=situation.fabric.transit,
        draining=situation.draining,
        overlay_mtu=_overlay(situation).mtu,
        lines=tuple(sorted({link.device for link in links if isinstance(link, DirectLink)})),
        gateway_macs=tuple(overlay_mac(address.tunnel) for address in situation.other_gateways),
        probe_points=(situation.me.tunnel, *probe_points.blocks(situation.fabric.tunnel)),
    )


def _ranges(situation: Situation) -> Ranges:
    fabric, peers = situation.fabric, situation.wanted.peers
    return Ranges(
        local_pods=fabric.pods,
        local_tunnel=(fabric.tunnel,),
        remote_pods=tuple(network for peer in peers for network in peer.pods),
        remote_services=tuple(network for peer in peers for network in peer.services),
        remote_tunnel=tuple(peer.tunnel for peer in peers),
    )
