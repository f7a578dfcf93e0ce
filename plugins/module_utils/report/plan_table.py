# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan as a person reads it: one row a cluster, one row a link or another way between two clusters."""

from __future__ import annotations

from collections.abc import Iterator

from ..plan.services import COREFILE, STUB
from ..plan.types import ClusterPlan, Plan
from .policy_table import policy_table
from .table import table


def plan_table(plan: Plan) -> str:
    """Text of several lines; ``absent`` clusters come last, with the reason."""
    head = ["CLUSTER", "ID", "KUBERNETES", "PODS", "SERVICES", "TUNNEL", "PLUGIN", "GATEWAYS", "SHARES"]
    parts = [f"clusterset {plan.clusterset}: {len(plan.clusters)} clusters, {len(plan.links)} links"]
    parts.append(table(head, [_cluster(cluster) for cluster in plan.clusters]))
    ways = sorted(_ways(plan))
    if ways:
        parts.append(table(["LINK", "DRIVER", "COST", "ENCRYPTED", "MTU"], [[row[0], *row[2:]] for row in ways]))
    parts += filter(None, [policy_table(plan)])
    parts += [f"note: {note}" for note in plan.notes]
    parts += [f"note: {cluster.host}: {note}" for cluster in plan.clusters for note in cluster.notes]
    parts += [f"absent: {reason}" for _host, reason in sorted(plan.absent.items())]  # the reason names its cluster
    return "\n".join(parts)


def _ways(plan: Plan) -> Iterator[list[str]]:
    """Pair, place among the pair's rows, and what the table shows besides."""
    for x in plan.links:
        yield [f"{x.a} <-> {x.b}", str(x.number), x.driver, str(x.cost), _encrypted(x.encrypted), str(x.mtu)]
    for y in plan.transits:
        yield [f"{y.a} <-> {y.b}", "", f"via {y.via}", "", _encrypted(y.encrypted), str(y.mtu)]
    for a, b in plan.apart:
        yield [f"{a} <-> {b}", "", "none", "", "", ""]


def _encrypted(yes: bool) -> str:
    return "yes" if yes else "NO"


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
        _services(cluster),
    ]


def _services(cluster: ClusterPlan) -> str:
    """Whether services are shared, and whether their names are answered."""
    if not cluster.services.on:
        return cluster.services.action
    return "services, names" if cluster.services.dns in (COREFILE, STUB) else "services"
