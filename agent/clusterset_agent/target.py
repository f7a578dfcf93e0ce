# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pure heart of the agent: wanted state, local facts and liveness in, state of the kernel out."""

from __future__ import annotations

from .kernel_state import Hop, KernelState, LocalFacts, Neighbour, Route, Vxlan, WireguardLink
from .names import OVERLAY, link_interface, link_port, overlay_mac, overlay_vni
from .ruleset import Ranges, render
from .wanted import Fabric, LocalGateway, NodeAddress, Wanted

VXLAN_OVERHEAD = 50
"""Bytes that VXLAN over IPv4 adds to each packet."""


def kernel_state(wanted: Wanted, me: NodeAddress, facts: LocalFacts, alive: frozenset[str]) -> KernelState:
    """Return what the kernel of node ``me`` should hold.

    :param alive: what answers its probes: interface names of links, and tunnel addresses of this cluster's gateways.
    """
    fabric = wanted.fabric
    links = wireguard_links(wanted, me.node)
    return KernelState(
        address=me.tunnel,
        overlay=_overlay(fabric, me, facts),
        links=links,
        neighbours=_neighbours(wanted, me),
        routes=routes(wanted, me, alive),
        ruleset=render(_ranges(wanted), facts, is_gateway(fabric, me.node), _gateway_macs(wanted, me)),
        transports=facts.transports + facts.shared,
    )


def is_gateway(fabric: Fabric, node: str) -> bool:
    """Return whether the node carries traffic to other clusters."""
    return gateway_entry(fabric, node) is not None


def gateway_entry(fabric: Fabric, node: str) -> LocalGateway | None:
    """Return the node's row in the list of gateways."""
    return next((gateway for gateway in fabric.gateways if gateway.node == node), None)


def other_gateways(wanted: Wanted, node: str) -> tuple[NodeAddress, ...]:
    """Return this cluster's gateways, without the node itself, that have a tunnel address."""
    names = {gateway.node for gateway in wanted.fabric.gateways} - {node}
    return tuple(address for address in wanted.nodes if address.node in names)


def wireguard_links(wanted: Wanted, node: str) -> tuple[WireguardLink, ...]:
    """Return one link for each gateway of each peer whose key is known; none if the node is no gateway."""
    mine = gateway_entry(wanted.fabric, node)
    if mine is None:
        return ()
    base = wanted.fabric.base_port
    return tuple(
        WireguardLink(
            name=link_interface(peer.cluster, remote.node),
            peer=peer.cluster,
            remote_node=remote.node,
            remote_tunnel=remote.tunnel,
            public_key=remote.public_key,
            endpoint=remote.endpoint,
            remote_port=link_port(base, wanted.fabric.index, mine.ordinal),
            listen_port=link_port(base, peer.index, remote.ordinal),
            allowed=peer.ranges,
            mtu=peer.mtu,
        )
        for peer in wanted.peers
        for remote in peer.gateways
        if remote.public_key
    )


def routes(wanted: Wanted, me: NodeAddress, alive: frozenset[str]) -> tuple[Route, ...]:
    """Return all routes of the node: to nodes on the overlay, to remote gateways, to the peers' ranges."""
    result = [Route(f"{neighbour.tunnel}/32", (Hop(OVERLAY),), me.tunnel) for neighbour in _neighbours(wanted, me)]
    links = wireguard_links(wanted, me.node)
    # a probe must go out and come back through its own link, whatever the ranges' routes say
    result += [Route(f"{link.remote_tunnel}/32", (Hop(link.name),), me.tunnel) for link in links]
    gateways = tuple(address.tunnel for address in other_gateways(wanted, me.node))
    for peer in wanted.peers:
        own = tuple(link.name for link in links if link.peer == peer.cluster)
        hops = _hops(own, gateways, alive)
        if hops:
            result += [Route(destination, hops, me.tunnel) for destination in dict.fromkeys(peer.ranges)]
    return tuple(result)


def _hops(links: tuple[str, ...], gateways: tuple[str, ...], alive: frozenset[str]) -> tuple[Hop, ...]:
    """Choose the ways to one peer: live links, else other live gateways, else what there is.

    When nothing answers, the fault may be in the probing: taking all ways out of use would make it certain.
    """
    by_link = [Hop(link) for link in links]
    by_gateway = [Hop(OVERLAY, via) for via in gateways]
    ways = (
        [hop for hop in by_link if hop.device in alive],
        [hop for hop in by_gateway if hop.via in alive],
        by_link,
        by_gateway,
    )
    return tuple(sorted(next((way for way in ways if way), [])))


def _overlay(fabric: Fabric, me: NodeAddress, facts: LocalFacts) -> Vxlan:
    return Vxlan(
        name=OVERLAY,
        vni=overlay_vni(fabric.index),
        port=fabric.vxlan_port,
        local=me.underlay,
        device=facts.device,
        mac=overlay_mac(me.tunnel),
        mtu=fabric.underlay_mtu - VXLAN_OVERHEAD,
    )


def _neighbours(wanted: Wanted, me: NodeAddress) -> tuple[Neighbour, ...]:
    """Gateways know every node, other nodes know the gateways only."""
    if is_gateway(wanted.fabric, me.node):
        others = tuple(address for address in wanted.nodes if address.node != me.node)
    else:
        others = other_gateways(wanted, me.node)
    return tuple(Neighbour(other.tunnel, overlay_mac(other.tunnel), other.underlay) for other in others)


def _gateway_macs(wanted: Wanted, me: NodeAddress) -> tuple[str, ...]:
    return tuple(overlay_mac(address.tunnel) for address in other_gateways(wanted, me.node))


def _ranges(wanted: Wanted) -> Ranges:
    fabric = wanted.fabric
    return Ranges(
        local_pods=fabric.pods,
        local_tunnel=(fabric.tunnel,),
        remote_pods=tuple(network for peer in wanted.peers for network in peer.pods),
        remote_services=tuple(network for peer in wanted.peers for network in peer.services),
        remote_tunnel=tuple(peer.tunnel for peer in wanted.peers),
    )
