# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that stops a run before anything is touched."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations

from ..errors import FabricError
from ..facts.types import ClusterFacts
from ..model.types import ClusterModel
from .families import has_ipv6, mapped
from .types import ClusterPlan

OLDEST_KUBERNETES = (1, 30)


def refuse_models(models: Sequence[ClusterModel]) -> list[FabricError]:
    """Contradictions between clusters that need no facts: ids, set names, tunnel ranges."""
    errors = []
    for a, b in combinations(models, 2):
        if a.cluster_id == b.cluster_id:
            message = f"{a.host} and {b.host} have the same cluster id {a.cluster_id!r}"
            errors.append(FabricError(message, fix=f"set fabric_cluster_id of {a.host} or {b.host}"))
    if models and all(model.fenced for model in models):
        errors.append(FabricError("every cluster is fenced", fix="set fabric_state of some to active"))
    for attribute, variable in (
        ("clusterset", "fabric_clusterset"),
        ("tunnel_range", "fabric_tunnel_range"),
        ("port_base", "fabric_port_base"),
        ("link_driver", "fabric_link_driver"),
    ):
        values = {getattr(model, attribute): model.host for model in reversed(models)}
        if len(values) > 1:
            told = ", ".join(f"{host}: {value}" for value, host in sorted(values.items(), key=lambda item: item[1]))
            errors.append(
                FabricError(f"{variable} differs between clusters ({told})", fix=f"set one {variable} for all clusters")
            )
    return errors


def refuse_facts(models: Sequence[ClusterModel], facts: Mapping[str, ClusterFacts]) -> list[FabricError]:
    """One cluster listed twice, versions without support, facts that disagree or are missing."""
    errors: list[FabricError] = []
    for a, b in combinations([model for model in models if model.host in facts], 2):
        if facts[a.host].uid and facts[a.host].uid == facts[b.host].uid:
            message = f"{a.host} and {b.host} are the same cluster (both show kube-system uid {facts[a.host].uid})"
            errors.append(FabricError(message, fix="give each host the context of its own cluster, or remove one"))
    for model in models:
        if model.host in facts:
            errors += _one(model, facts[model.host])
    return errors


def _one(model: ClusterModel, fact: ClusterFacts) -> Iterator[FabricError]:
    if version_of(fact.version) < OLDEST_KUBERNETES:
        oldest = ".".join(map(str, OLDEST_KUBERNETES))
        yield FabricError(
            f"Kubernetes {fact.version} is not supported", cluster=model.host, fix=f"upgrade to {oldest} or newer"
        )
    overridden = {"pod ranges": bool(model.pod_cidrs), "service ranges": bool(model.service_cidrs)}
    for item in fact.disagreements:
        if item.subject in overridden and not overridden[item.subject]:
            told = ", ".join(f"{source} says {value}" for source, value in sorted(item.values.items()))
            variable = "fabric_pod_cidrs" if item.subject == "pod ranges" else "fabric_service_cidrs"
            yield FabricError(
                f"sources disagree on its {item.subject}: {told}", cluster=model.host, fix=f"set {variable}"
            )
    for subject, variable, known in (
        ("pod", "fabric_pod_cidrs", model.pod_cidrs or fact.pod_cidrs),
        ("service", "fabric_service_cidrs", model.service_cidrs or fact.service_cidrs),
    ):
        if not known and subject + " ranges" not in {item.subject for item in fact.disagreements}:
            yield FabricError(f"its API does not tell its {subject} ranges", cluster=model.host, fix=f"set {variable}")
    if fact.owned.installed and fact.owned.cluster_id and fact.owned.cluster_id != model.cluster_id:
        message = f"it has joined as {fact.owned.cluster_id!r}, the inventory says {model.cluster_id!r}"
        yield FabricError(message, cluster=model.host, fix="let it leave first, or set fabric_cluster_id back")


def version_of(text: str) -> tuple[int, int]:
    """Major and minor number of a Kubernetes version such as "v1.36.3"; (0, 0) if unreadable."""
    found = re.match(r"v?(\d+)\.(\d+)", text)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def refuse_ranges(clusters: Sequence[ClusterPlan], facts: Mapping[str, ClusterFacts]) -> list[FabricError]:
    """Overlaps between any two ranges: pods, services, tunnels and nodes, within and between clusters."""
    claims = [
        (cluster.host, kind, text, ipaddress.ip_network(text, strict=False))
        for cluster in clusters
        for kind, text in _ranges(cluster)
    ]
    errors = []
    for (host, kind, text, network), (other, what, that, second) in combinations(claims, 2):
        if network.version == second.version and network.overlaps(second):
            errors.append(_overlap(host, f"{kind} range {text}", other, f"{what} range {that}"))
    nodes = [
        (cluster.host, address)
        for cluster in clusters
        for node in facts[cluster.host].nodes
        for address in node.internal
    ]
    for host, address in nodes:
        for other, kind, text, network in claims:
            if ipaddress.ip_address(address) in network:
                errors.append(_overlap(host, f"node address {address}", other, f"{kind} range {text}"))
    for (host, address), (other, second_address) in combinations(nodes, 2):
        if address == second_address and host != other:
            errors.append(_overlap(host, f"node address {address}", other, "a node with the same address"))
    return errors


def _ranges(cluster: ClusterPlan) -> Iterator[tuple[str, str]]:
    yield from (("pod", text) for text in cluster.pod_cidrs)
    yield from (("service", text) for text in cluster.service_cidrs)
    yield "tunnel", cluster.tunnel_cidr
    if has_ipv6(cluster):
        yield "tunnel", mapped(cluster.tunnel_cidr)


def _overlap(host: str, first: str, other: str, second: str) -> FabricError:
    where = f"{host} and {other}" if host != other else host
    variable = "fabric_tunnel_range" if "tunnel" in first + second else "the ranges of one of them"
    fix = (
        f"change {variable}"
        if host == other or "tunnel" in first + second
        else f"give {host} or {other} a range of its own"
    )
    return FabricError(f"{where} overlap: {first} ({host}) and {second} ({other})", fix=fix)


def refuse_gateways(clusters: Sequence[ClusterPlan]) -> list[FabricError]:
    """A gateway needs an address to send to, unless it only calls others."""
    errors = []
    for cluster in clusters:
        for gateway in cluster.gateways:
            if not gateway.endpoint and not cluster.behind_nat:
                message = f"gateway {gateway.node} has no IPv4 address that peers could reach"
                errors.append(
                    FabricError(
                        message, cluster=cluster.host, fix=f"set fabric_gateway_endpoints: {{{gateway.node}: ADDRESS}}"
                    )
                )
        if not cluster.gateways:
            errors.append(
                FabricError(
                    "it has no node that could be a gateway", cluster=cluster.host, fix="set fabric_gateway_nodes"
                )
            )
    return errors
