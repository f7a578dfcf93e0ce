# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Policies between clusters: what of them cannot be, what they come to, and which of them overrule others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from itertools import combinations, product

from ..errors import FabricError
from ..facts.types import ClusterFacts
from ..model.types import ClusterModel, PodSelector, PolicyWish
from .types import PolicyPlan

BUNDLE = "policies"


def policies_action(model: ClusterModel, facts: ClusterFacts) -> str:
    """``on`` with any policy or a default of deny; else ``remove`` where they were on, and ``off``."""
    if model.policies or model.policy_default == "deny":
        return "on"
    return "remove" if BUNDLE in facts.owned.bundles else "off"


def refuse_policies(models: Sequence[ClusterModel]) -> list[FabricError]:
    """Policies that differ between clusters, name none, concern no two clusters, or contradict each other."""
    if not models:
        return []
    first = models[0]
    for variable, value in (("fabric_policies", "policies"), ("fabric_policy_default", "policy_default")):
        differing = next((model for model in models if getattr(model, value) != getattr(first, value)), None)
        if differing:
            message = f"{variable} differs between {first.host} and {differing.host}"
            return [FabricError(message, fix=f"set one {variable} for all clusters")]
    if not first.policies and first.policy_default == "allow":
        return []
    errors = [error for wish in first.policies for error in _names(wish, models)]
    errors += [
        FabricError("policies need its sync part, and fabric_services is false", cluster=model.host, fix=_SERVICES)
        for model in models
        if not model.services
    ]
    return errors or [*_inside(plan_policies(models)), *_contradictions(plan_policies(models))]


_SERVICES = "set fabric_services: true for it, or leave out fabric_policies and fabric_policy_default"


def _names(wish: PolicyWish, models: Sequence[ClusterModel]) -> Iterator[FabricError]:
    hosts = sorted(model.host for model in models)
    for side, selector in (("from", wish.source), ("to", wish.target)):
        for pattern in selector.clusters:
            if not any(fnmatchcase(host, pattern) for host in hosts):
                message = f"fabric_policies, {wish.name}: {side} has {pattern!r}, which matches no cluster"
                yield FabricError(message, fix=f"known clusters: {', '.join(hosts)}")


def _inside(policies: Sequence[PolicyPlan]) -> Iterator[FabricError]:
    for policy in policies:
        if len({*policy.source.clusters, *policy.target.clusters}) < 2:
            (cluster,) = policy.source.clusters
            message = f"fabric_policies, {policy.name}: both sides are in {cluster} alone, and nothing passes a gateway"
            yield FabricError(message, fix="name another cluster, or use a NetworkPolicy inside of the cluster")


def _contradictions(policies: Sequence[PolicyPlan]) -> Iterator[FabricError]:
    for a, b in combinations(policies, 2):
        if a.action != b.action and replace(a, name=b.name, action=b.action) == b:
            message = f"fabric_policies: {a.name} and {b.name} say allow and deny of the same, with order {a.order}"
            yield FabricError(message, fix="remove one of them, or give them different orders")


def plan_policies(models: Sequence[ClusterModel]) -> tuple[PolicyPlan, ...]:
    """The policies with the ids of all clusters that they concern."""
    return tuple(
        PolicyPlan(
            name=wish.name,
            source=_resolved(wish.source, models),
            target=_resolved(wish.target, models),
            ports=wish.ports,
            order=wish.order,
            action=wish.action,
        )
        for wish in (models[0].policies if models else ())
    )


def _resolved(selector: PodSelector, models: Sequence[ClusterModel]) -> PodSelector:
    patterns = selector.clusters or ("*",)
    ids = [model.cluster_id for model in models if any(fnmatchcase(model.host, pattern) for pattern in patterns)]
    return replace(selector, clusters=tuple(sorted(ids)))


def covers(wide: PodSelector, narrow: PodSelector) -> bool:
    """Whether every pod that ``narrow`` selects is selected by ``wide``, as far as the selectors themselves tell."""
    if not set(wide.clusters) >= set(narrow.clusters):
        return False
    if wide.export:
        return wide.export == narrow.export
    namespaces = {narrow.export.split("/")[0]} if narrow.export else set(narrow.namespaces)
    inside = not wide.namespaces or (bool(namespaces) and set(wide.namespaces) >= namespaces)
    return inside and set(wide.labels) <= set(narrow.labels)


def policy_notes(policies: Sequence[PolicyPlan], apart: Sequence[tuple[str, str]]) -> list[str]:
    """Policies that never decide: an earlier one does for them, or none of their clusters reach each other."""
    notes = []
    for earlier, later in combinations(policies, 2):
        if _overrules(earlier, later):
            notes.append(f"policy {later.name} never decides: {earlier.name} comes first and covers it")
    unreachable = {frozenset(pair) for pair in apart}
    for policy in policies:
        pairs = {
            frozenset(pair) for pair in product(policy.source.clusters, policy.target.clusters) if len({*pair}) > 1
        }
        if pairs <= unreachable:
            notes.append(f"policy {policy.name} has nothing to decide: none of its clusters reach each other")
    return notes


def _overrules(earlier: PolicyPlan, later: PolicyPlan) -> bool:
    ports = not earlier.ports or (bool(later.ports) and set(earlier.ports) >= set(later.ports))
    return ports and covers(earlier.source, later.source) and covers(earlier.target, later.target)
