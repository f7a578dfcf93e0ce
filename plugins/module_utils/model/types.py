# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the operator asked for, one record a cluster, checked and complete."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..client.types import ClusterRef


@dataclass(frozen=True)
class ManifestSource:
    """Where an upstream manifest comes from: a local path, or a URL with its SHA-256."""

    path: str = ""
    url: str = ""
    sha256: str = ""


@dataclass(frozen=True)
class LinkWish:
    """An entry of ``fabric_links``: how two clusters are to be linked.

    :ivar between: two host name patterns, in either order.
    :ivar cost: of two live links the one with the lower cost carries.
    :ivar mtu: bytes that the link carries; 0 means computed from the driver and the underlay.
    :ivar next_hops: direct only: (host, router that the host's gateways hand packets to); ``next_hops6`` for IPv6.
    """

    between: tuple[str, str] = ("*", "*")
    driver: str = "wireguard"
    cost: int = 100
    mtu: int = 0
    encryption_required: bool = False
    next_hops: tuple[tuple[str, str], ...] = ()
    next_hops6: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class ExportWish:
    """An entry of ``fabric_exports``: which Services are exported. "" and () mean any."""

    namespace: str = ""
    name: str = ""
    labels: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class PodSelector:
    """Some pods of the clusterset: those that have all of ``labels``, in ``namespaces`` of ``clusters``; () means all.

    :ivar clusters: host name patterns; in a plan cluster ids.
    :ivar export: "namespace/service": the endpoints of what is exported under this name; no labels or namespaces then.
    """

    labels: tuple[tuple[str, str], ...] = ()
    namespaces: tuple[str, ...] = ()
    clusters: tuple[str, ...] = ()
    export: str = ""


@dataclass(frozen=True)
class PolicyWish:
    """An entry of ``fabric_policies``: whether pods may open connections to others in another cluster.

    :ivar ports: such as tcp/80 or udp/53-60; () means all, and all protocols.
    :ivar order: of several that apply the one with the lowest decides, then the first by name.
    :ivar action: allow or deny.
    """

    name: str
    source: PodSelector = PodSelector()
    target: PodSelector = PodSelector()
    ports: tuple[str, ...] = ()
    order: int = 1000
    action: str = "allow"


@dataclass(frozen=True)
class ClusterModel:
    """One cluster as its inventory variables describe it.

    :ivar host: inventory host name; every message names the cluster by it.
    :ivar pod_cidrs: ranges that override the facts; empty means "as found".
    :ivar gateway_nodes: node names; empty means the plan chooses ``gateway_count`` nodes.
    :ivar gateway_labels: labels of the nodes that may be chosen; empty means any node.
    :ivar gateway_endpoints: node name -> address that peers reach it at.
    :ivar behind_nat: the gateways can call others, but not be called.
    :ivar links: how the clusters are linked, the same for all; empty means every pair by ``link_driver``.
    :ivar transit: the cluster passes packets between its peers.
    :ivar underlay_mtu: bytes, of the network between the clusters' nodes; 0 means as measured, else 1500.
    :ivar services: the cluster exports and imports services.
    :ivar exports: the Services that the inventory exports, besides those that people export themselves.
    :ivar service_dns: the cluster's CoreDNS answers for the clusterset's names.
    :ivar dns_image: of our own CoreDNS, for clusters whose CoreDNS is too old; "" = no such one is wanted.
    :ivar api_endpoint: host:port at which peers' sync parts reach the API server; "" = its Service, through the links.
    :ivar peer_timeout: seconds without a sign of life after which a peer's endpoints are withdrawn.
    :ivar peer_token_hours: life of the token by which this cluster reads a peer; it is renewed long before its end.
    :ivar state: active, or fenced: it is not asked for anything, and the others know nothing of it.
    :ivar policies: who may talk to whom between clusters, the same for all, in the order in which they decide.
    :ivar policy_default: allow or deny, for what no policy names.
    :ivar deadline: seconds that one stage may spend on this cluster.
    """

    host: str
    cluster_id: str
    clusterset: str
    agent_image: str
    kubeconfig: str | None = None
    context: str | None = None
    in_cluster: bool = False
    pod_cidrs: tuple[str, ...] = ()
    service_cidrs: tuple[str, ...] = ()
    tunnel_range: str = ""
    network_plugin: str = "adopt"
    network_plugin_version: str = ""
    network_plugin_manifest: ManifestSource | None = None
    gateway_count: int = 2
    gateway_nodes: tuple[str, ...] = ()
    gateway_labels: Mapping[str, str] = field(default_factory=dict)
    gateway_endpoints: Mapping[str, str] = field(default_factory=dict)
    behind_nat: bool = False
    link_driver: str = "wireguard"
    links: tuple[LinkWish, ...] = ()
    transit: bool = False
    underlay_mtu: int = 0
    port_base: int = 14800
    services: bool = True
    exports: tuple[ExportWish, ...] = ()
    service_dns: bool = True
    dns_image: str = ""
    api_endpoint: str = ""
    peer_timeout: int = 5
    peer_token_hours: int = 24
    state: str = "active"
    policies: tuple[PolicyWish, ...] = ()
    policy_default: str = "allow"
    deadline: int = 300

    @property
    def fenced(self) -> bool:
        """Whether the cluster is kept out of the clusterset for now."""
        return self.state == "fenced"

    @property
    def ref(self) -> ClusterRef:
        """Where the cluster's credentials are found."""
        return ClusterRef(self.host, self.kubeconfig, self.context, self.in_cluster)
