# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is known of one cluster after its API was read: plain values, no behaviour.

Ranges are canonical CIDR strings ("10.244.0.0/16"), addresses are bare IP strings, MTUs are bytes (0 = unknown).
An empty string or tuple means "the API does not tell"; nothing here is ever guessed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Node:
    """One node, as its Node object describes it."""

    name: str
    internal: tuple[str, ...] = ()  # InternalIP addresses
    external: tuple[str, ...] = ()  # ExternalIP addresses
    pod_cidrs: tuple[str, ...] = ()  # spec.podCIDRs: this node's slice, which Calico's own IPAM ignores
    labels: Mapping[str, str] = field(default_factory=dict)
    ready: bool = False
    control_plane: bool = False
    zone: str = ""
    schedulable: bool = True
    cordoned: bool = False
    endpoint: str = ""  # annotation fabric.clusterset.io/endpoint: where peers reach it, as written
    draining: bool = False  # annotation fabric.clusterset.io/drain


@dataclass(frozen=True)
class Plugin:
    """The network plugin that has ready pods; ``also`` names every other one that has some, too."""

    name: str = "none"  # calico | canal | flannel | weave | cilium | kindnet | other | none
    version: str = ""  # "v3.32.1"
    namespace: str = ""
    data_plane: str = ""  # iptables | nftables | ebpf
    backend: str = ""  # vxlan | host-gw | ipip | wireguard | bgp
    mtu: int = 0
    ready: bool = False  # every wanted pod of its DaemonSet is ready
    api: str = ""  # calico and canal only: native | aggregated | v1
    also: tuple[str, ...] = ()


@dataclass(frozen=True)
class LinkKey:
    """A gateway's public key of one generation; the number is the same in all clusters of the set."""

    generation: int
    public_key: str


@dataclass(frozen=True)
class Gateway:
    """A gateway that our agent runs, as its Gateway object describes it."""

    node: str
    ordinal: int
    keys: tuple[LinkKey, ...]  # oldest generation first
    tunnel_address: str
    endpoint: str
    implementation: str = ""  # kernel | userspace
    state: str = ""  # Active | Draining | Drained; "" = not yet reported


@dataclass(frozen=True)
class Owned:
    """What an earlier run left in the cluster; ``index`` is None where no Fabric object exists."""

    installed: bool = False
    cluster_id: str = ""
    index: int | None = None
    state: str = ""
    gateways: tuple[Gateway, ...] = ()
    peers: tuple[str, ...] = ()
    underlay_mtu: int = 0  # smallest that the nodes' agents measured, else what the Fabric object says
    tunnel_range: str = ""
    chosen: Mapping[str, int] = field(default_factory=dict)  # gateways in office: node -> ordinal
    key_generations: tuple[int, ...] = ()  # of link keys that each gateway holds, oldest first
    keys_since: str = ""  # when the newest of them was introduced, RFC 3339; "" = with the cluster's joining
    joined: str = ""  # when the Fabric object was made, RFC 3339
    peer_specs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # Peer name -> its spec, as in force
    fenced: Mapping[str, int] = field(default_factory=dict)  # id of a fenced cluster -> its index
    bundles: tuple[str, ...] = ()  # names of the bundles that have a receipt here


@dataclass(frozen=True)
class Disagreement:
    """Two or more sources of one fact that differ; ``values`` maps source to what it says."""

    subject: str  # "pod ranges", "service ranges", ...
    values: Mapping[str, str]


@dataclass(frozen=True)
class ClusterFacts:
    """Everything the plan may know of one cluster."""

    cluster: str
    uid: str = ""  # uid of the Namespace kube-system: the cluster's identity
    version: str = ""  # "v1.36.3"
    flavour: str = "unknown"  # kind | kubeadm | k3s | openshift | eks | gke | aks | unknown
    nodes: tuple[Node, ...] = ()
    pod_cidrs: tuple[str, ...] = ()
    service_cidrs: tuple[str, ...] = ()
    plugin: Plugin = field(default_factory=Plugin)
    kube_proxy: str = ""  # iptables | nftables | ipvs | none
    dns: str = ""  # coredns | kube-dns | other; "" = none found
    dns_version: str = ""  # CoreDNS version from its image tag, "1.12.2"
    crds: frozenset[str] = frozenset()  # full names, "gateways.fabric.clusterset.io"
    property_id: str = ""  # ClusterProperty cluster.clusterset.k8s.io
    owned: Owned = field(default_factory=Owned)
    disagreements: tuple[Disagreement, ...] = ()
