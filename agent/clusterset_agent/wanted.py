# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the API server says the node should be: the objects of the fabric as typed values."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .faults import AgentError

Spec = Mapping[str, Any]


@dataclass(frozen=True)
class LocalGateway:
    """A node of this cluster that carries traffic to others."""

    node: str
    ordinal: int
    endpoint: str = ""


@dataclass(frozen=True)
class RemoteGateway:
    """A gateway of a peer; the key may be empty as long as it has not been published."""

    node: str
    ordinal: int
    endpoint: str
    public_key: str
    tunnel: str


@dataclass(frozen=True)
class Fabric:
    """This cluster. Ranges are IPv4 networks in text form."""

    cluster: str
    index: int
    pods: tuple[str, ...]
    services: tuple[str, ...]
    tunnel: str
    underlay_mtu: int
    vxlan_port: int = 14789
    base_port: int = 14800
    gateways: tuple[LocalGateway, ...] = ()
    leaving: bool = False


@dataclass(frozen=True)
class Peer:
    """Another cluster and its gateways."""

    cluster: str
    index: int
    pods: tuple[str, ...]
    services: tuple[str, ...]
    tunnel: str
    mtu: int
    gateways: tuple[RemoteGateway, ...] = ()

    @property
    def ranges(self) -> tuple[str, ...]:
        """Everything that is reached through a link to this peer."""
        return (*self.pods, *self.services, self.tunnel)


@dataclass(frozen=True)
class NodeAddress:
    """One node's tunnel address and the address it has in its own network."""

    node: str
    tunnel: str
    underlay: str


@dataclass(frozen=True)
class Wanted:
    """All that the agent follows; ``objects`` is the same as plain specs, fit for the cache on disk."""

    fabric: Fabric
    peers: tuple[Peer, ...] = ()
    nodes: tuple[NodeAddress, ...] = ()
    faults: tuple[str, ...] = field(default=(), compare=False)

    def address_of(self, node: str) -> NodeAddress | None:
        """Return the claim of a node, if it has one."""
        return next((address for address in self.nodes if address.node == node), None)


def parse(fabric: Spec, peers: Sequence[Spec], addresses: Mapping[str, Spec]) -> Wanted:
    """Turn specs into values; one bad peer or address is left out and named in ``faults``.

    :param addresses: specs of TunnelAddress objects by their name, which is the address.
    :raises AgentError: if the Fabric itself cannot be understood.
    """
    faults: list[str] = []
    good_peers: list[Peer] = []
    for spec in peers:
        try:
            good_peers.append(parse_peer(spec))
        except (KeyError, TypeError, ValueError) as error:
            faults.append(f"Peer {spec.get('clusterID', '?')}: {error!r}")
    nodes: list[NodeAddress] = []
    for name, spec in addresses.items():
        try:
            nodes.append(NodeAddress(spec["node"], _address(name), _address(spec["underlayAddress"])))
        except (KeyError, TypeError, ValueError) as error:
            faults.append(f"TunnelAddress {name}: {error!r}")
    good_peers.sort(key=lambda peer: peer.cluster)
    nodes.sort(key=lambda node: (node.node, ipaddress.ip_address(node.tunnel)))
    return Wanted(parse_fabric(fabric), tuple(good_peers), tuple(nodes), tuple(faults))


def parse_fabric(spec: Spec) -> Fabric:
    """Return the cluster of a ``Fabric`` spec; :raises AgentError: if it cannot be understood."""
    ports = spec.get("ports") or {}
    try:
        return Fabric(
            cluster=spec["clusterID"],
            index=int(spec["index"]),
            pods=_networks(spec["podCIDRs"]),
            services=_networks(spec["serviceCIDRs"]),
            tunnel=_network(spec["tunnelCIDR"]),
            underlay_mtu=int(spec["underlayMTU"]),
            vxlan_port=int(ports.get("vxlan", 14789)),
            base_port=int(ports.get("base", 14800)),
            gateways=tuple(
                LocalGateway(row["node"], int(row["ordinal"]), row.get("endpoint") or "")
                for row in spec.get("gateways") or ()
            ),
            leaving=spec.get("state") == "Leaving",
        )
    except (KeyError, TypeError, ValueError) as error:
        raise AgentError(f"Fabric {spec.get('clusterID', '?')}: {error!r}") from error


def parse_peer(spec: Spec) -> Peer:
    """Return the peer of a ``Peer`` spec; :raises ValueError, KeyError, TypeError: naming what is wrong."""
    gateways = [
        RemoteGateway(
            node=row["node"],
            ordinal=int(row["ordinal"]),
            endpoint=_address(row["endpoint"]),
            public_key=row.get("publicKey") or "",
            tunnel=_address(row["tunnelAddress"]),
        )
        for row in spec.get("gateways") or ()
    ]
    return Peer(
        cluster=spec["clusterID"],
        index=int(spec["index"]),
        pods=_networks(spec["podCIDRs"]),
        services=_networks(spec["serviceCIDRs"]),
        tunnel=_network(spec["tunnelCIDR"]),
        mtu=int(spec["mtu"]),
        gateways=tuple(sorted(gateways, key=lambda gateway: gateway.ordinal)),
    )


def _networks(texts: Sequence[str]) -> tuple[str, ...]:
    """Keep the IPv4 ranges, in order of address; other families are not carried yet."""
    networks = {ipaddress.ip_network(text) for text in texts}
    return tuple(str(n) for n in sorted(n for n in networks if isinstance(n, ipaddress.IPv4Network)))


def _network(text: str) -> str:
    return str(ipaddress.IPv4Network(text))


def _address(text: str) -> str:
    return str(ipaddress.IPv4Address(text))
