# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which clusters and nodes there are, who is linked with whom, and what the playbook would tell the agents of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

Spec = dict[str, Any]
INDEX = {"east": 1, "west": 2, "hub": 3}
SWITCH, LAN = "switch", "lan"
"""The network of all nodes, and one behind a router that translates addresses."""
NETWORKS = {SWITCH: "192.0.2", LAN: "198.51.100"}
WIREGUARD: Spec = {"driver": "wireguard", "cost": 100, "mtu": 1420}


@dataclass(frozen=True)
class Node:
    """One node; the number decides its addresses. A pod is there if ``pod`` is, a gateway has an ordinal."""

    name: str
    cluster: str
    number: int
    gateway: int | None = None
    pod: bool = False
    network: str = SWITCH

    @property
    def underlay(self) -> str:
        offset = 60 * (INDEX[self.cluster] - 1) if self.network == SWITCH else 0
        return f"{NETWORKS[self.network]}.{self.number + offset}"

    @property
    def tunnel(self) -> str:
        return f"10.248.{4 * INDEX[self.cluster]}.{self.number}"

    @property
    def pods(self) -> str:
        return f"10.{40 + INDEX[self.cluster]}.{self.number}"

    @property
    def pod_address(self) -> str:
        return f"{self.pods}.2"


def ranges(cluster: str) -> tuple[str, str, str]:
    """A cluster's ranges of pods, services and tunnel addresses."""
    index = INDEX[cluster]
    return f"10.{40 + index}.0.0/16", f"10.{140 + index}.0.0/16", f"10.248.{4 * index}.0/22"


def pair(network: str = SWITCH) -> tuple[Node, ...]:
    """Two clusters with two gateways and a plain node each; west's nodes are in ``network``."""
    return (
        Node("e1", "east", 1, gateway=0),
        Node("e2", "east", 2, gateway=1),
        Node("e3", "east", 3, pod=True),
        Node("w1", "west", 1, gateway=0, pod=True, network=network),
        Node("w2", "west", 2, gateway=1, network=network),
        Node("w3", "west", 3, pod=True, network=network),
    )


@dataclass
class Topology:
    """Nodes and links; a test may change it and have the agents told.

    :ivar links: of every pair of clusters, but that two spokes have none if there is a hub.
    :ivar hub: the cluster through which the others reach each other.
    :ivar transit: whether the hub says of itself that it passes packets.
    :ivar more: what a cluster has besides, by its name, in the words of its Fabric.
    """

    nodes: tuple[Node, ...] = field(default_factory=pair)
    links: tuple[Spec, ...] = (WIREGUARD,)
    hub: str = ""
    transit: bool = True
    generations: tuple[int, ...] = (0,)
    more: dict[str, Spec] = field(default_factory=dict)

    @property
    def clusters(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(node.cluster for node in self.nodes))

    def gateways(self, cluster: str) -> list[Node]:
        return [node for node in self.nodes if node.cluster == cluster and node.gateway is not None]

    def via(self, one: str, other: str) -> str:
        """The cluster between two others, if they have no links of their own."""
        return self.hub if self.hub and self.hub not in (one, other) else ""

    def ways(self, node: Node) -> dict[str, int]:
        """How many ways a node should have to each other cluster when all is well."""
        others = [cluster for cluster in self.clusters if cluster != node.cluster]
        if node.gateway is None:
            return dict.fromkeys(others, len(self.gateways(node.cluster)))
        return {other: len(self.gateways(self.via(node.cluster, other) or other)) for other in others}

    def fabric(self, cluster: str) -> Spec:
        """Spec of a cluster's Fabric."""
        gateways = [{"node": node.name, "ordinal": node.gateway} for node in self.gateways(cluster)]
        transit = self.transit and cluster == self.hub
        rest: Spec = {"keyGenerations": list(self.generations), "transit": transit}
        return {**self._cluster(cluster), "gateways": gateways, **rest}

    def peers(self, cluster: str, keys: Callable[[Node], list[Spec]]) -> list[Spec]:
        """Specs of the Peers that a cluster has; ``keys`` tells a gateway's public keys."""
        return [self._peer(cluster, other, keys) for other in self.clusters if other != cluster]

    def _peer(self, cluster: str, other: str, keys: Callable[[Node], list[Spec]]) -> Spec:
        via = self.via(cluster, other)
        linked = [] if via else self.gateways(other)
        gateways = [
            {
                "node": node.name,
                "ordinal": node.gateway,
                "endpoint": node.underlay if node.network == SWITCH else "",
                "keys": keys(node),
                "tunnelAddress": node.tunnel,
            }
            for node in linked
        ]
        return {**self._cluster(other), "via": via, "links": [] if via else list(self.links), "gateways": gateways}

    def addresses(self, cluster: str) -> Mapping[str, Spec]:
        """Specs of a cluster's TunnelAddresses by name."""
        return {n.tunnel: {"node": n.name, "underlayAddress": n.underlay} for n in self.nodes if n.cluster == cluster}

    def _cluster(self, name: str) -> Spec:
        """What a cluster's own Fabric and its Peer elsewhere have in common."""
        pods, services, tunnel = ranges(name)
        return {
            "clusterID": name, "index": INDEX[name], "podCIDRs": [pods], "serviceCIDRs": [services],
            "tunnelCIDR": tunnel, "underlayMTU": 1500, "state": "Active", **self.more.get(name, {}),
        }  # fmt: skip
