# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the policies stage puts into one cluster: the policies, their kinds, and the rights that they need."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..model.types import PodSelector
from ..plan.types import Plan, PolicyPlan
from .agent import NAMESPACE, NODE_AGENT
from .policy_crds import policy_crds
from .rbac import READ, WRITE, cluster_rights, rights
from .schema import GROUP, VERSION
from .services import SYNC, account_of

VERIFY = (("fabric.clusterset.io/component", "verify"),)
"""Label of the pods of a verification: they may always talk to each other, or they could not tell what works."""

Object = dict[str, Any]


def policy_objects(plan: Plan, peers: Iterable[str]) -> list[Object]:
    """Everything of policies in one cluster. ``peers`` are the ids of those that have an account here."""
    return [*policy_crds(), *policy_rbac(peers), fabric_policy(plan)]


def fabric_policy(plan: Plan) -> Object:
    """The policies as every cluster holds them, in the order in which they decide."""
    everywhere = tuple(cluster.cluster_id for cluster in plan.clusters)
    pods = PodSelector(labels=VERIFY, clusters=everywhere)
    verify = PolicyPlan("fabric-verify", pods, pods, (), 0, "allow")
    spec = {"default": plan.policy_default, "policies": [_policy(policy) for policy in (verify, *plan.policies)]}
    metadata = {"name": "local", "namespace": NAMESPACE}
    return {"apiVersion": f"{GROUP}/{VERSION}", "kind": "FabricPolicy", "metadata": metadata, "spec": spec}


def _policy(policy: PolicyPlan) -> Object:
    return {
        "name": policy.name,
        "action": policy.action,
        "from": _selector(policy.source),
        "to": _selector(policy.target),
        "ports": list(policy.ports),
    }


def _selector(selector: PodSelector) -> Object:
    found: Object = {"clusters": list(selector.clusters)}
    if selector.labels:
        found["labels"] = dict(selector.labels)
    if selector.namespaces:
        found["namespaces"] = list(selector.namespaces)
    if selector.export:
        found["export"] = selector.export
    return found


def policy_rbac(peers: Iterable[str]) -> list[Object]:
    """The sync part reads pods and publishes; gateways read what it has found out; peers read what is published."""
    told = _rule(["get", "update", "patch"], "fabricpolicies/status")
    sync = [_rule(READ, "fabricpolicies"), told, _rule(WRITE, "podidentities", "selections")]
    accounts = [account_of(peer) for peer in sorted(peers)]
    pods = [{"apiGroups": [""], "resources": ["pods"], "verbs": READ}]
    return [
        *rights(f"{SYNC}-policies", sync, [SYNC]),
        *rights(f"{NODE_AGENT}-policies", [_rule(READ, "fabricpolicies", "selections")], [NODE_AGENT]),
        *(rights("fabric-peer-policies", [_rule(READ, "podidentities")], accounts) if accounts else []),
        *cluster_rights(f"{NAMESPACE}:{SYNC}-policies", pods, SYNC),
    ]


def _rule(verbs: list[str], *resources: str) -> Object:
    return {"apiGroups": [GROUP], "resources": list(resources), "verbs": verbs}
