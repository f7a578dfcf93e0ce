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
from .schema import GROUP, VERSION
from .services import SYNC, account_of

_RBAC = "rbac.authorization.k8s.io"
_READ = ["get", "list", "watch"]
_WRITE = [*_READ, "create", "update", "patch", "delete"]
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
    sync = [_rule(_READ, "fabricpolicies"), told, _rule(_WRITE, "podidentities", "selections")]
    accounts = [account_of(peer) for peer in sorted(peers)]
    pods = f"{NAMESPACE}:{SYNC}-policies"
    subject = {"kind": "ServiceAccount", "name": SYNC, "namespace": NAMESPACE}
    rules = [{"apiGroups": [""], "resources": ["pods"], "verbs": _READ}]
    reference = {"apiGroup": _RBAC, "kind": "ClusterRole", "name": pods}
    cluster_wide = {"apiVersion": f"{_RBAC}/v1", "metadata": {"name": pods}}
    return [
        *_role(f"{SYNC}-policies", sync, [SYNC]),
        *_role(f"{NODE_AGENT}-policies", [_rule(_READ, "fabricpolicies", "selections")], [NODE_AGENT]),
        *(_role("fabric-peer-policies", [_rule(_READ, "podidentities")], accounts) if accounts else []),
        {**cluster_wide, "kind": "ClusterRole", "rules": rules},
        {**cluster_wide, "kind": "ClusterRoleBinding", "roleRef": reference, "subjects": [subject]},
    ]


def _rule(verbs: list[str], *resources: str) -> Object:
    return {"apiGroups": [GROUP], "resources": list(resources), "verbs": verbs}


def _role(name: str, rules: list[Object], accounts: Iterable[str]) -> list[Object]:
    """A Role of our namespace, and its binding to accounts there."""
    frame = {"apiVersion": f"{_RBAC}/v1", "metadata": {"name": name, "namespace": NAMESPACE}}
    subjects = [{"kind": "ServiceAccount", "name": account, "namespace": NAMESPACE} for account in accounts]
    reference = {"apiGroup": _RBAC, "kind": "Role", "name": name}
    binding = {**frame, "kind": "RoleBinding", "roleRef": reference, "subjects": subjects}
    return [{**frame, "kind": "Role", "rules": rules}, binding]
