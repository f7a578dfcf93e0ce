# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the API server says the node should be: the objects of the fabric as typed values."""

from __future__ import annotations

import hashlib
import ipaddress
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .families import held, only
from .faults import AgentError

Spec = Mapping[str, Any]
DRIVERS = ("wireguard", "vxlan", "direct")


@dataclass(frozen=True)
class LocalGateway:
    """A node of this cluster that carries traffic to others."""

    node: str
    ordinal: int
    endpoint: str = ""


@dataclass(frozen=True)
class RemoteGateway:
    """A gateway of a peer; no endpoint: it is behind a translation and calls us. ``keys`` are by generation."""

    node: str
    ordinal: int
    endpoint: str
    tunnel: str
    keys: tuple[tuple[int, str], ...] = ()


@dataclass(frozen=True)
class PeerLink:
    """One link to a peer; its place among the peer's links is its number.

    :ivar next_hop: router of a dedicated line; ``next_hop6`` is the one for IPv6, without which the line has none.
    """

    driver: str
    cost: int
    mtu: int
    next_hop: str = ""
    next_hop6: str = ""


@dataclass(frozen=True)
class Fabric:
    """This cluster. Ranges are networks in text form; the tunnel range is IPv4, pods and services are either."""

    cluster: str
    index: int
    pods: tuple[str, ...]
    services: tuple[str, ...]
    tunnel: str
    underlay_mtu: int
    vxlan_port: int = 14789
    link_vxlan_port: int = 14788
    base_port: int = 14800
    gateways: tuple[LocalGateway, ...] = ()
    generations: tuple[int, ...] = (0,)
    """Generations of keys that each gateway holds, oldest first."""
    transit: bool = False
    """Whether this cluster passes packets between its peers."""
    policies: bool = False
    """Whether gateways pass only what the policies between clusters allow."""
    leaving: bool = False


@dataclass(frozen=True)
class Peer:
    """Another cluster and its gateways, reached by links of its own or ``via`` another peer."""

    cluster: str
    index: int
    pods: tuple[str, ...]
    services: tuple[str, ...]
    tunnel: str
    via: str = ""
    links: tuple[PeerLink, ...] = ()
    gateways: tuple[RemoteGateway, ...] = ()

    def ranges(self, family: int) -> tuple[str, ...]:
        """All address ranges of the peer in one family."""
        return (*only(family, self.pods), *only(family, self.services), held(self.tunnel, family))


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


def in_force(item: Mapping[str, Any]) -> dict[str, Any]:
    """Return the spec of a Fabric or Peer object, with the gateways of now if they were found since it was planned.

    The playbook owns the spec, the sync part ``status.current``; as soon as other gateways are planned, these count.
    """
    spec, found = item.get("spec") or {}, (item.get("status") or {}).get("current") or {}
    newer = found.get("planned") == planned(spec) and found.get("gateways")
    return {**spec, "gateways": found["gateways"]} if newer else dict(spec)


def planned(spec: Spec) -> str:
    """Return a digest of what the playbook has planned of gateways; the playbook computes the same."""
    text = json.dumps([spec.get("gateways"), spec.get("gatewayChoice")], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


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
            link_vxlan_port=int(ports.get("linkVxlan", 14788)),
            base_port=int(ports.get("base", 14800)),
            gateways=tuple(
                LocalGateway(row["node"], int(row["ordinal"]), row.get("endpoint") or "")
                for row in spec.get("gateways") or ()
            ),
            generations=tuple(map(int, spec.get("keyGenerations") or (0,))),
            transit=bool(spec.get("transit")),
            policies=bool(spec.get("policies")),
            leaving=spec.get("state") == "Leaving",
        )
    except (KeyError, TypeError, ValueError) as error:
        raise AgentError(f"Fabric {spec.get('clusterID', '?')}: {error!r}") from error


def parse_peer(spec: Spec) -> Peer:
    """Return the peer of a ``Peer`` spec; :raises ValueError, KeyError, TypeError: naming what is wrong."""
    gateways = [_remote_gateway(row) for row in spec.get("gateways") or ()]
    return Peer(
        cluster=spec["clusterID"],
        index=int(spec["index"]),
        pods=_networks(spec["podCIDRs"]),
        services=_networks(spec["serviceCIDRs"]),
        tunnel=_network(spec["tunnelCIDR"]),
        via=spec.get("via") or "",
        links=tuple(_peer_link(row) for row in spec.get("links") or ()),
        gateways=tuple(sorted(gateways, key=lambda gateway: gateway.ordinal)),
    )


def _remote_gateway(row: Spec) -> RemoteGateway:
    keys = {int(key["generation"]): str(key["publicKey"]) for key in row.get("keys") or ()}
    return RemoteGateway(
        node=row["node"],
        ordinal=int(row["ordinal"]),
        endpoint=_address(row["endpoint"]) if row.get("endpoint") else "",
        tunnel=_address(row["tunnelAddress"]),
        keys=tuple(sorted(keys.items())),
    )


def _peer_link(row: Spec) -> PeerLink:
    driver = row["driver"]
    if driver not in DRIVERS:
        raise ValueError(f"unknown driver {driver!r}: this agent has {', '.join(DRIVERS)}")
    hop, hop6 = row.get("nextHop") or "", row.get("nextHop6") or ""
    return PeerLink(
        driver,
        int(row["cost"]),
        int(row["mtu"]),
        _address(hop) if hop else "",
        str(ipaddress.IPv6Address(hop6)) if hop6 else "",
    )


def _networks(texts: Sequence[str]) -> tuple[str, ...]:
    """Return the ranges in order of family and address."""
    networks = {ipaddress.ip_network(text) for text in texts}
    return tuple(str(n) for n in sorted(networks, key=ipaddress.get_mixed_type_key))


def _network(text: str) -> str:
    return str(ipaddress.IPv4Network(text))


def _address(text: str) -> str:
    return str(ipaddress.IPv4Address(text))
