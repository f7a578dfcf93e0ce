# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The links of a gateway, as both ends derive them: one for each number, generation of keys and remote gateway."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from . import probe_points
from .families import IPV4, IPV6, link_local
from .kernel_state import DirectLink, Hop, Link, Neighbour, Vxlan, VxlanLink, WireguardLink
from .names import link_name, link_port, link_slot, link_vni, overlay_mac
from .situation import Situation, successor
from .wanted import LocalGateway, Peer, PeerLink, RemoteGateway


def links_of(situation: Situation) -> tuple[Link, ...]:
    """Return all links of the node; none if it is no gateway."""
    mine = situation.gateway
    if mine is None:
        return ()
    return tuple(
        link
        for peer in situation.wanted.peers
        for number, row in enumerate(peer.links)
        for remote in peer.gateways
        for link in _links(situation, mine, peer, number, row, remote)
    )


def takes(link: Link, family: int) -> bool:
    """Whether a link carries packets of a family."""
    return family == IPV4 or not isinstance(link, DirectLink) or bool(link.next_hop6)


def hop_of(link: Link, family: int = IPV4) -> Hop:
    """Return the way out through a link that takes the family."""
    if family == IPV6:
        return _hop6(link)
    if isinstance(link, VxlanLink):
        return Hop(link.name, link.there)
    if isinstance(link, DirectLink):
        return Hop(link.device, link.next_hop)
    return Hop(link.name)


def _hop6(link: Link) -> Hop:
    """The kernel shares IPv6 traffic among hops with a gateway only, so WireGuard's have one, too: it is not looked at.

    A link-local one needs no route of its own.
    """
    if isinstance(link, DirectLink):
        return Hop(link.device, link.next_hop6)
    return Hop(link.name, link_local(overlay_mac(link.there)))


def interface_of(link: Link) -> str:
    """Return the network device that carries a link."""
    return link.device if isinstance(link, DirectLink) else link.name


def _links(
    situation: Situation, mine: LocalGateway, peer: Peer, number: int, row: PeerLink, remote: RemoteGateway
) -> Iterator[Link]:
    if row.driver == "wireguard":
        for generation, key in remote.keys:
            if generation in situation.fabric.generations:
                yield _wireguard(situation, mine, peer, number, row, remote, generation, key)
    elif remote.endpoint:
        make = {"vxlan": _vxlan, "direct": _direct}[row.driver]
        yield make(situation, mine, peer, number, row, remote)


def _wireguard(
    situation: Situation,
    mine: LocalGateway,
    peer: Peer,
    number: int,
    row: PeerLink,
    remote: RemoteGateway,
    generation: int,
    key: str,
) -> WireguardLink:
    slot, base = link_slot(number, generation), situation.fabric.base_port
    return WireguardLink(
        **_common(situation, mine, peer, number, row, remote, generation),
        public_key=key,
        endpoint=remote.endpoint,
        remote_port=link_port(base, slot, situation.fabric.index, mine.ordinal),
        listen_port=link_port(base, slot, peer.index, remote.ordinal),
        allowed=situation.carried_for(peer),
    )


def _vxlan(
    situation: Situation, mine: LocalGateway, peer: Peer, number: int, row: PeerLink, remote: RemoteGateway
) -> VxlanLink:
    common = _common(situation, mine, peer, number, row, remote, 0)
    device = Vxlan(
        name=common["name"],
        vni=link_vni((situation.fabric.index, mine.ordinal), (peer.index, remote.ordinal)),
        port=situation.fabric.link_vxlan_port,
        local=situation.me.underlay,
        device=situation.facts.device,
        mac=overlay_mac(common["here"]),
        mtu=row.mtu,
    )
    mac = overlay_mac(common["there"])
    other_end = Neighbour(common["there"], mac, remote.endpoint, link_local(mac) if IPV6 in situation.families else "")
    return VxlanLink(**common, device=device, other_end=other_end)


def _direct(
    situation: Situation, mine: LocalGateway, peer: Peer, number: int, row: PeerLink, remote: RemoteGateway
) -> DirectLink:
    common = _common(situation, mine, peer, number, row, remote, 0)
    next_hop = row.next_hop or remote.endpoint
    return DirectLink(**common, device=situation.facts.device, next_hop=next_hop, next_hop6=row.next_hop6)


def _common(
    situation: Situation,
    mine: LocalGateway,
    peer: Peer,
    number: int,
    row: PeerLink,
    remote: RemoteGateway,
    generation: int,
) -> dict[str, Any]:
    """What every driver's link has; the witness of a link is the one of its slot to the remote gateway's successor."""
    slot = link_slot(number, generation)
    behind = successor(remote.ordinal, [gateway.ordinal for gateway in peer.gateways])
    witness = next((gateway.node for gateway in peer.gateways if gateway.ordinal == behind), "")
    return {
        "driver": row.driver,
        "name": link_name(row.driver, peer.cluster, remote.node, slot),
        "peer": peer.cluster,
        "remote_node": remote.node,
        "number": number,
        "generation": generation,
        "cost": row.cost,
        "mtu": row.mtu,
        "here": probe_points.here(situation.fabric.tunnel, mine.ordinal, slot),
        "there": probe_points.here(peer.tunnel, remote.ordinal, slot),
        "beyond": probe_points.beyond(peer.tunnel, remote.ordinal, slot) if witness else "",
        "witness": link_name(row.driver, peer.cluster, witness, slot) if witness else "",
    }
