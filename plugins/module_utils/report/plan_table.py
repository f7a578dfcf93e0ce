# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan as a person reads it: one row a cluster, one row a link."""

from __future__ import annotations

from ..plan.types import ClusterPlan, Plan
from .table import table


def plan_table(plan: Plan) -> str:
    """Text of several lines; ``absent`` clusters come last, with the reason."""
    head = ["CLUSTER", "ID", "KUBERNETES", "PODS", "SERVICES", "TUNNEL", "PLUGIN", "GATEWAYS"]
    parts = [f"clusterset {plan.clusterset}: {len(plan.clusters)} clusters, {len(plan.links)} links"]
    parts.append(table(head, [_cluster(cluster) for cluster in plan.clusters]))
    if plan.links:
        rows = [[f"{x.a} <-> {x.b}", x.driver, "yes" if x.encrypted else "NO", str(x.mtu)] for x in plan.links]
        parts.append(table(["LINK", "DRIVER", "ENCRYPTED", "MTU"], rows))
    parts += [f"note: {cluster.host}: {note}" for cluster in plan.clusters for note in cluster.notes]
    parts += [f"absent: {reason}" for _host, reason in sorted(plan.absent.items())]  # the reason names its cluster
    return "\n".join(parts)


def _cluster(cluster: ClusterPlan) -> list[str]:
    plugin = cluster.plugin
    return [
        cluster.host,
        cluster.cluster_id,
        cluster.kubernetes,
        ",".join(cluster.pod_cidrs),
        ",".join(cluster.service_cidrs),
        cluster.tunnel_cidr,
        f"{plugin.action} {plugin.name}" + (f" {plugin.version}" if plugin.version else ""),
        ",".join(gateway.node for gateway in cluster.gateways),
    ]
