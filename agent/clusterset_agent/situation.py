# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The place of one node in the fabric: what everything that is programmed or probed on it follows from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from .families import IPV4, IPV6, only
from .kernel_state import LocalFacts
from .wanted import Fabric, LocalGateway, NodeAddress, Peer, Wanted


@dataclass(frozen=True)
class Situation:
    """The wanted state as node ``me`` sees it. ``draining``: other gateways take over its traffic."""

    wanted: Wanted
    me: NodeAddress
    facts: LocalFacts
    draining: bool = False

    @property
    def fabric(self) -> Fabric:
        """This cluster."""
        return self.wanted.fabric

    @property
    def gateway(self) -> LocalGateway | None:
        """The node's own row in the list of gateways, if it is one."""
        return gateway_entry(self.fabric, self.me.node)

    @property
    def other_gateways(self) -> tuple[NodeAddress, ...]:
        """This cluster's gateways, without the node itself, that have a tunnel address."""
        names = {gateway.node for gateway in self.fabric.gateways} - {self.me.node}
        return tuple(address for address in self.wanted.nodes if address.node in names)

    @cached_property
    def families(self) -> tuple[int, ...]:
        """The address families that are carried: IPv6 as soon as there is a peer that it can be carried to."""
        return (IPV4, IPV6) if any(self.carries(peer, IPV6) for peer in self.wanted.peers) else (IPV4,)

    def peers(self, family: int) -> tuple[Peer, ...]:
        """The peers that a family is carried to."""
        return tuple(peer for peer in self.wanted.peers if self.carries(peer, family))

    def carries(self, peer: Peer, family: int) -> bool:
        """Whether a family is carried to a peer: IPv6 if both clusters, and the one between them, have it."""
        if family == IPV4:
            return True
        if not only(IPV6, self.fabric.pods) or not only(IPV6, peer.pods):
            return False
        first = next((other for other in self.wanted.peers if other.cluster == (peer.via or peer.cluster)), None)
        if first is None or not only(IPV6, first.pods):
            return False
        return any(row.driver != "direct" or row.next_hop6 for row in first.links)

    def carried_for(self, peer: Peer) -> tuple[str, ...]:
        """All ranges that are reached through links to this peer: its own, and those of peers behind it."""
        behind = [other for other in self.wanted.peers if other.via == peer.cluster]
        return tuple(
            network
            for family in self.families
            for other in (peer, *behind)
            if self.carries(other, family)
            for network in other.ranges(family)
        )

    def ordinals(self) -> Iterator[tuple[NodeAddress, int]]:
        """Other gateways of this cluster with their ordinals."""
        known = {gateway.node: gateway.ordinal for gateway in self.fabric.gateways}
        return ((address, known[address.node]) for address in self.other_gateways)

    def behind(self, ordinal: int) -> NodeAddress | None:
        """Return the gateway of this cluster that holds the addresses behind gateway ``ordinal``."""
        found = successor(ordinal, [gateway.ordinal for gateway in self.fabric.gateways])
        node = next((gateway.node for gateway in self.fabric.gateways if gateway.ordinal == found), "")
        return self.wanted.address_of(node)


def gateway_entry(fabric: Fabric, node: str) -> LocalGateway | None:
    """Return a node's row in the list of gateways."""
    return next((gateway for gateway in fabric.gateways if gateway.node == node), None)


def successor(ordinal: int, ordinals: list[int]) -> int | None:
    """Return the gateway that holds the addresses behind gateway ``ordinal``; None if it is the only one."""
    others = sorted(set(ordinals) - {ordinal})
    return next((other for other in others if other > ordinal), others[0] if others else None)
