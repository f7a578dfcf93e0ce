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
class ClusterModel:
    """One cluster as its inventory variables describe it.

    :ivar host: inventory host name; every message names the cluster by it.
    :ivar pod_cidrs: ranges that override the facts; empty means "as found".
    :ivar gateway_nodes: node names; empty means the plan chooses ``gateway_count`` nodes.
    :ivar gateway_endpoints: node name -> address that peers reach it at.
    :ivar underlay_mtu: bytes, of the network between the clusters' nodes; 0 means as measured, else 1500.
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
    gateway_endpoints: Mapping[str, str] = field(default_factory=dict)
    link_driver: str = "wireguard"
    underlay_mtu: int = 0
    port_base: int = 14800
    deadline: int = 300

    @property
    def ref(self) -> ClusterRef:
        """Where the cluster's credentials are found."""
        return ClusterRef(self.host, self.kubeconfig, self.context, self.in_cluster)
