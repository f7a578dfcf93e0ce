# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which nodes of a cluster carry traffic, and at which address peers find them."""

from __future__ import annotations

import ipaddress
from collections import Counter
from collections.abc import Mapping, Sequence

from ..errors import FabricError
from ..facts.nodes import ENDPOINT
from ..facts.types import ClusterFacts, Node
from ..model.types import ClusterModel
from .types import GatewayChoice, GatewayPlan

MOST_GATEWAYS = 16  # a listen port is base + 16 * cluster index + ordinal


def choose_gateways(model: ClusterModel, facts: ClusterFacts) -> tuple[GatewayPlan, ...]:
    """Named nodes, or ``gateway_count`` of them: those in office first, then workers, spread over zones.

    :raises FabricError: for a named node that the cluster does not have, labels that no node has, an annotation that
        is no address, or more gateways than ports allow.
    """
    nodes = {node.name: node for node in facts.nodes}
    missing = [name for name in (*model.gateway_nodes, *model.gateway_endpoints) if name not in nodes]
    if missing:
        known = ", ".join(sorted(nodes))
        raise FabricError(f"it has no node {missing[0]!r}", cluster=model.host, fix=f"name one of {known}")
    chosen = list(model.gateway_nodes) or [node.name for node in _elect(model, facts)]
    if len(chosen) > MOST_GATEWAYS:
        fix = "lower fabric_gateway_count or shorten fabric_gateway_nodes"
        raise FabricError(f"{len(chosen)} gateways are more than {MOST_GATEWAYS}", cluster=model.host, fix=fix)
    leaving = {gateway.ordinal for gateway in facts.owned.gateways if gateway.node not in chosen}
    ordinals = _ordinals(chosen, facts.owned.chosen, leaving)
    published = {gateway.node: gateway for gateway in facts.owned.gateways}
    plans = []
    for name in chosen:
        known_gateway = published.get(name)
        plans.append(
            GatewayPlan(
                node=name,
                ordinal=ordinals[name],
                endpoint=model.gateway_endpoints.get(name) or _endpoint(nodes[name], model.host),
                keys=known_gateway.keys if known_gateway else (),
                tunnel_address=known_gateway.tunnel_address if known_gateway else "",
            )
        )
    return tuple(sorted(plans, key=lambda plan: plan.ordinal))


def rule_of(model: ClusterModel) -> GatewayChoice:
    """What the sync part needs to choose as we do when nodes come and go."""
    count = 0 if model.gateway_nodes else model.gateway_count
    return GatewayChoice(count, dict(model.gateway_labels), dict(model.gateway_endpoints))


def _elect(model: ClusterModel, facts: ClusterFacts) -> list[Node]:
    """Greedy choice; readiness counts only once a network plugin runs, before that no node is ready."""
    rest = _candidates(model, facts)
    per_zone: Counter[str] = Counter()
    elected: list[Node] = []
    while rest and len(elected) < model.gateway_count:
        best = min(
            rest,
            key=lambda node: (
                facts.plugin.ready and not node.ready,
                node.name not in facts.owned.chosen,
                node.control_plane,
                per_zone[node.zone],
                node.name,
            ),
        )
        rest.remove(best)
        per_zone[best.zone] += 1
        elected.append(best)
    return elected


def _candidates(model: ClusterModel, facts: ClusterFacts) -> list[Node]:
    """The labelled nodes, whatever they are; without labels those that take ordinary pods, and control planes."""
    if model.gateway_labels:
        found = [node for node in facts.nodes if model.gateway_labels.items() <= dict(node.labels).items()]
        if not found:
            told = ", ".join(f"{key}={value}" for key, value in sorted(model.gateway_labels.items()))
            fix = "label the nodes that shall be gateways, or correct fabric_gateway_labels"
            raise FabricError(f"no node has the labels {told}", cluster=model.host, fix=fix)
        return found
    return [node for node in facts.nodes if node.schedulable or node.control_plane or node.name in facts.owned.chosen]


def _ordinals(chosen: Sequence[str], in_office: Mapping[str, int], leaving: set[int]) -> dict[str, int]:
    """Whoever has an ordinal keeps it: ports of running links must not move, nor go to another while peers use them."""
    ordinals = {name: in_office[name] for name in chosen if name in in_office}
    unused = (number for number in range(MOST_GATEWAYS) if number not in set(ordinals.values()))
    free = iter(sorted(unused, key=lambda number: (number in leaving, number)))
    for name in chosen:
        if name not in ordinals:
            ordinals[name] = next(free)
    return ordinals


def _endpoint(node: Node, host: str) -> str:
    """What the node's annotation says, else the first internal IPv4 address, else the first external one."""
    if node.endpoint:
        return _annotated(node, host)
    for address in (*node.internal, *node.external):
        if ipaddress.ip_address(address).version == 4:
            return address
    return ""


def _annotated(node: Node, host: str) -> str:
    try:
        return str(ipaddress.IPv4Address(node.endpoint))
    except ValueError:
        fix = f"give it an IPv4 address: kubectl annotate --overwrite node {node.name} {ENDPOINT}=ADDRESS"
        message = f"annotation {ENDPOINT} of node {node.name} is {node.endpoint!r}, which is no IPv4 address"
        raise FabricError(message, cluster=host, fix=fix) from None
