# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the links stage puts into one cluster: the agent, the cluster's own description, its peers."""

from __future__ import annotations

from typing import Any

from ..plan.types import ClusterPlan, GatewayPlan, LinkPlan, Plan
from .agent import METRICS_PORT, NAMESPACE, agent_daemonset, agent_rbac, tunnel_daemonset
from .crds import GROUP, VERSION, crds

API = f"{GROUP}/{VERSION}"
VXLAN_PORT = 14789

Object = dict[str, Any]


def namespace() -> Object:
    """The namespace of everything of ours; the agent needs host network and host paths."""
    labels = {
        "app.kubernetes.io/part-of": "clusterset.fabric",
        "pod-security.kubernetes.io/enforce": "privileged",
    }
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": labels}}


def agent_objects(cluster: ClusterPlan) -> list[Object]:
    """The agent and all it needs to program its own cluster's nodes."""
    daemonsets = [agent_daemonset(cluster.agent_image), tunnel_daemonset(cluster.agent_image)]
    return [namespace(), *crds(), *agent_rbac(), *daemonsets, fabric(cluster)]


def fabric(cluster: ClusterPlan, state: str = "Active") -> Object:
    """The cluster's description of itself. ``state`` is Active or Leaving."""
    spec = {
        "clusterID": cluster.cluster_id,
        "index": cluster.index,
        "podCIDRs": list(cluster.pod_cidrs),
        "serviceCIDRs": list(cluster.service_cidrs),
        "tunnelCIDR": cluster.tunnel_cidr,
        "underlayMTU": cluster.underlay_mtu,
        "ports": {"vxlan": VXLAN_PORT, "base": cluster.port_base, "metrics": METRICS_PORT},
        "gateways": [{"node": g.node, "ordinal": g.ordinal, "endpoint": g.endpoint} for g in cluster.gateways],
        "state": state,
    }
    return _ours("Fabric", "local", spec)


def peer_objects(plan: Plan, cluster: ClusterPlan) -> list[Object]:
    """One Peer for each other cluster whose gateways are known, and those of absent clusters as they are."""
    peers = [
        _ours("Peer", other.cluster_id, _peer_spec(other, _link_between(plan, cluster, other)))
        for other in plan.clusters
        if other.cluster_id != cluster.cluster_id and other.ready_for_peers
    ]
    kept = [_ours("Peer", str(spec["clusterID"]), dict(spec)) for spec in cluster.kept_peers]
    return sorted([*peers, *kept], key=lambda peer: str(peer["metadata"]["name"]))


def _link_between(plan: Plan, a: ClusterPlan, b: ClusterPlan) -> LinkPlan:
    ends = {a.cluster_id, b.cluster_id}
    return next(link for link in plan.links if {link.a, link.b} == ends)


def _peer_spec(other: ClusterPlan, link: LinkPlan) -> Object:
    return {
        "clusterID": other.cluster_id,
        "index": other.index,
        "podCIDRs": list(other.pod_cidrs),
        "serviceCIDRs": list(other.service_cidrs),
        "tunnelCIDR": other.tunnel_cidr,
        "driver": link.driver,
        "mtu": link.mtu,
        "gateways": [_gateway(gateway) for gateway in other.gateways],
    }


def _gateway(gateway: GatewayPlan) -> Object:
    return {
        "node": gateway.node,
        "ordinal": gateway.ordinal,
        "endpoint": gateway.endpoint,
        "publicKey": gateway.public_key,
        "tunnelAddress": gateway.tunnel_address,
    }


def _ours(kind: str, name: str, spec: Object) -> Object:
    return {"apiVersion": API, "kind": kind, "metadata": {"name": name, "namespace": NAMESPACE}, "spec": spec}
