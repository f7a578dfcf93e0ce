# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the links stage puts into one cluster: the agent, the cluster's own description, its peers."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from ..facts.owned import keys_of
from ..model.link_wishes import ENCRYPTED
from ..model.types import ExportWish
from ..plan.types import ClusterPlan, GatewayPlan, LinkPlan, Plan
from .agent import METRICS_PORT, NAMESPACE, agent_daemonset, agent_rbac, tunnel_daemonset
from .crds import GROUP, VERSION, crds

API = f"{GROUP}/{VERSION}"
VXLAN_PORT = 14789  # of fab0
LINK_VXLAN_PORT = 14788

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
    ports = {
        "vxlan": VXLAN_PORT,
        "linkVxlan": LINK_VXLAN_PORT,
        "base": cluster.port_base,
        "metrics": METRICS_PORT,
    }
    spec: Object = {
        "clusterID": cluster.cluster_id,
        "index": cluster.index,
        "podCIDRs": list(cluster.pod_cidrs),
        "serviceCIDRs": list(cluster.service_cidrs),
        "tunnelCIDR": cluster.tunnel_cidr,
        "underlayMTU": cluster.underlay_mtu,
        "ports": ports,
        "gateways": [{"node": g.node, "ordinal": g.ordinal, "endpoint": g.endpoint} for g in cluster.gateways],
        "gatewayChoice": asdict(cluster.choice),
        "keyGenerations": list(cluster.key_generations),
        "transit": cluster.transit,
        "state": state,
    }
    if cluster.services.exports:
        spec["exports"] = [_export(wish) for wish in cluster.services.exports]
    if cluster.fenced:
        spec["fenced"] = [{"clusterID": name, "index": index} for name, index in cluster.fenced]
    if cluster.keys_since:
        spec["keysSince"] = cluster.keys_since
    if cluster.policies == "on":
        spec["policies"] = True
    return _ours("Fabric", "local", spec)


def _export(wish: ExportWish) -> Object:
    row: Object = {"namespace": wish.namespace, "name": wish.name, "labels": dict(wish.labels)}
    return {name: value for name, value in row.items() if value}


def peer_objects(plan: Plan, cluster: ClusterPlan) -> list[Object]:
    """One Peer for each other cluster that there is a way to, and those of absent clusters as they are."""
    specs = [_peer_spec(plan, cluster, other) for other in plan.clusters if other.cluster_id != cluster.cluster_id]
    peers = [_ours("Peer", str(spec["clusterID"]), spec) for spec in specs if spec["via"] or spec["gateways"]]
    kept = [_ours("Peer", str(spec["clusterID"]), dict(spec)) for spec in cluster.kept_peers]
    return sorted([*peers, *kept], key=lambda peer: str(peer["metadata"]["name"]))


def _peer_spec(plan: Plan, cluster: ClusterPlan, other: ClusterPlan) -> Object:
    """What ``cluster`` knows of ``other``; without gateways as long as there are no links or none has published."""
    links = plan.links_of(cluster.cluster_id, other.cluster_id)
    known = [gateway for gateway in other.gateways if links and gateway.tunnel_address]
    return {
        "clusterID": other.cluster_id,
        "index": other.index,
        "podCIDRs": list(other.pod_cidrs),
        "serviceCIDRs": list(other.service_cidrs),
        "tunnelCIDR": other.tunnel_cidr,
        "via": plan.via(cluster.cluster_id, other.cluster_id),
        "links": [_link(link, cluster) for link in links],
        "gateways": [_gateway(gateway, other) for gateway in known],
    }


def _link(link: LinkPlan, cluster: ClusterPlan) -> Object:
    row: Object = {"driver": link.driver, "cost": link.cost, "mtu": link.mtu}
    if cluster.cluster_id in link.next_hops:
        row["nextHop"] = link.next_hops[cluster.cluster_id]
    if cluster.cluster_id in link.next_hops6:
        row["nextHop6"] = link.next_hops6[cluster.cluster_id]
    return row


def _gateway(gateway: GatewayPlan, cluster: ClusterPlan) -> Object:
    """A gateway of ``cluster`` as its peers know it: only keys of generations that the cluster holds."""
    return {
        "node": gateway.node,
        "ordinal": gateway.ordinal,
        "endpoint": "" if cluster.behind_nat else gateway.endpoint,
        "tunnelAddress": gateway.tunnel_address,
        "keys": [
            {"generation": key.generation, "publicKey": key.public_key}
            for key in gateway.keys
            if key.generation in cluster.key_generations
        ],
    }


def expected_links(cluster: ClusterPlan, peer: Object) -> list[tuple[str, str, str, int, int]]:
    """The Link objects of the cluster that must be up for a Peer: node, peer, remote gateway, number, generation.

    Of several generations of keys the newest that both gateways hold counts; if there is none, the newest of all.
    """
    spec = peer["spec"]
    return [
        (own.node, spec["clusterID"], remote["node"], number, _generation(own, remote, link["driver"]))
        for own in cluster.gateways
        for remote in spec["gateways"]
        for number, link in enumerate(spec["links"])
        if remote["endpoint"] or not cluster.behind_nat
    ]


def keyed(peer: Object) -> frozenset[int]:
    """The numbers of a Peer's links that have keys."""
    return frozenset(number for number, link in enumerate(peer["spec"]["links"]) if link["driver"] in ENCRYPTED)


def _generation(own: GatewayPlan, remote: Object, driver: str) -> int:
    if driver not in ENCRYPTED:
        return 0
    held = [{key.generation for key in keys} for keys in (own.keys, keys_of(remote))]
    return max(set.intersection(*held) or set.union(*held), default=0)


def _ours(kind: str, name: str, spec: Object) -> Object:
    return {"apiVersion": API, "kind": kind, "metadata": {"name": name, "namespace": NAMESPACE}, "spec": spec}
