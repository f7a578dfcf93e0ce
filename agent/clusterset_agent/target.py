# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pure heart of the agent: the node's situation and what is fit for use in, state of the kernel out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from . import probe_points
from .families import IPV4, IPV6, held, link_local, only
from .kernel_state import DirectLink, Hop, KernelState, Link, Neighbour, Route, Vxlan
from .links import hop_of, links_of, takes
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
    role, families = _role(situation, links), situation.families
    tables = {family: render(_ranges(situation, family), facts, role, family) for family in families}
    return KernelState(
        addresses=tuple(held(situation.me.tunnel, family) for family in families),
        overlay=_overlay(situation),
        links=links,
        neighbours=_neighbours(situation),
        routes=routes(situation, fitness),
        ruleset=tables[IPV4],
        ruleset6=tables.get(IPV6, ""),
        generations=situation.fabric.generations if situation.gateway else (),
        transports=(*facts.transports, *facts.shared, *sorted(lines)),
    )


def routes(situation: Situation, fitness: Fitness) -> tuple[Route, ...]:
    """Return all routes of the node: to nodes on the overlay, to what is probed, to the peers' ranges."""
    links = links_of(situation)
    result = [route for family in situation.families for route in _nodes(situation, family)]
    result += [*_held(situation), *_probes(situation, links)]
    for family in situation.families:
        result += _peers(situation, links, fitness, family)
    return tuple(result)


def _nodes(situation: Situation, family: int) -> Iterator[Route]:
    """The tunnel addresses of this cluster's nodes."""
    for neighbour in _neighbours(situation):
        if family == IPV4:
            yield Route(f"{neighbour.tunnel}/32", (Hop(OVERLAY),), situation.me.tunnel)
        else:
            hop = Hop(OVERLAY, neighbour.link_local)
            yield Route(f"{held(neighbour.tunnel, family)}/128", (hop,), held(situation.me.tunnel, family))


def _peers(situation: Situation, links: Sequence[Link], fitness: Fitness, family: int) -> Iterator[Route]:
    """The ranges of all peers, in one family."""
    source, gateways = held(situation.me.tunnel, family), [gateway.tunnel for gateway in situation.other_gateways]
    for peer in situation.peers(family):
        own = [link for link in links if link.peer == (peer.via or peer.cluster) and takes(link, family)]
        hops = _hops(own, gateways, fitness, situation.draining, family)
        if hops:
            yield from (Route(destination, hops, source) for destination in dict.fromkeys(peer.ranges(family)))


def carrying(situation: Situation, fitness: Fitness) -> frozenset[str]:
    """Return the names of the links that the routes use now."""
    links = links_of(situation)
    used = {hop for route in routes(situation, fitness) if not route.local for hop in route.hops if not _single(route)}
    return frozenset(
        link.name
        for link in links
        if any(takes(link, family) and hop_of(link, family) in used for family in situation.families)
    )


def _single(route: Route) -> bool:
    """Whether a route is for one address only, as those of probes and nodes are."""
    return route.destination.endswith("/128" if ":" in route.destination else "/32")


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
    """A probe must go out and come back on the very way that it tests, whatever the ranges' routes say.

    One whose way is not there yet must not take another: its answer would speak for a link that does not work.
    """
    for peer in situation.wanted.peers if situation.gateway else ():
        for network in probe_points.link_blocks(peer.tunnel) if peer.links else ():
            yield Route(network, (), "", blackhole=True)
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


def _hops(
    links: Sequence[Link], gateways: Sequence[str], fitness: Fitness, draining: bool, family: int
) -> tuple[Hop, ...]:
    """Choose the ways to one peer: fit links, else other fit gateways, else what was fit last, else what there is.

    When nothing answers, the fault may be in the probing: taking all ways out of use would make it certain.
    """
    ways = []
    for chosen in (fitness.fit, fitness.last):
        fit = [link for link in links if link.name in chosen]
        ways.append([hop_of(link, family) for link in _best(fit, newest=True)])
        ways.append([_over(gateway, family) for gateway in gateways if gateway in chosen])
    if draining:
        ways[:2] = reversed(ways[:2])
    ways.append([hop_of(link, family) for link in _best(links, newest=False)])
    ways.append([_over(gateway, family) for gateway in gateways])
    return tuple(sorted(next((way for way in ways if way), [])))


def _over(gateway: str, family: int) -> Hop:
    """The way over another gateway of this cluster, given by its tunnel address."""
    return Hop(OVERLAY, gateway if family == IPV4 else link_local(overlay_mac(gateway)))


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
    ipv6 = IPV6 in situation.families
    macs = [(other, overlay_mac(other.tunnel)) for other in others]
    return tuple(Neighbour(o.tunnel, mac, o.underlay, link_local(mac) if ipv6 else "") for o, mac in macs)


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


def _ranges(situation: Situation, family: int) -> Ranges:
    fabric, peers = situation.fabric, situation.peers(family)
    return Ranges(
        local_pods=only(family, fabric.pods),
        local_tunnel=(held(fabric.tunnel, family),),
        remote_pods=tuple(network for peer in peers for network in only(family, peer.pods)),
        remote_services=tuple(network for peer in peers for network in only(family, peer.services)),
        remote_tunnel=tuple(held(peer.tunnel, family) for peer in peers),
    )
