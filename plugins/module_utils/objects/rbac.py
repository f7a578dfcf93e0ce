# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rights as objects: in our namespace, or in the whole cluster, and the accounts that have them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..facts.owned import NAMESPACE

RBAC = "rbac.authorization.k8s.io"
READ = ["get", "list", "watch"]
WRITE = [*READ, "create", "update", "patch", "delete"]

Object = dict[str, Any]


def role(name: str, rules: Sequence[Object]) -> Object:
    """A Role of our namespace."""
    return _object("Role", {"name": name, "namespace": NAMESPACE}, rules=list(rules))


def binding(name: str, role_name: str, accounts: Iterable[str]) -> Object:
    """Give a Role of our namespace to accounts there."""
    return _object("RoleBinding", {"name": name, "namespace": NAMESPACE}, **_given("Role", role_name, accounts))


def rights(name: str, rules: Sequence[Object], accounts: Sequence[str]) -> list[Object]:
    """A Role of our namespace, and its binding of the same name."""
    return [role(name, rules), binding(name, name, accounts)]


def cluster_binding(
    name: str, role_name: str, account: str, namespace: str = NAMESPACE, labels: Mapping[str, str] | None = None
) -> Object:
    """Give a ClusterRole to an account, in all namespaces."""
    metadata: Object = {"name": name, **({"labels": dict(labels)} if labels else {})}
    return _object("ClusterRoleBinding", metadata, **_given("ClusterRole", role_name, [account], namespace))


def cluster_rights(name: str, rules: Sequence[Object], account: str, namespace: str = NAMESPACE) -> list[Object]:
    """A ClusterRole, and its binding of the same name."""
    return [
        _object("ClusterRole", {"name": name}, rules=list(rules)),
        cluster_binding(name, name, account, namespace),
    ]


def _given(kind: str, role_name: str, accounts: Iterable[str], namespace: str = NAMESPACE) -> Object:
    return {
        "roleRef": {"apiGroup": RBAC, "kind": kind, "name": role_name},
        "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": namespace} for name in accounts],
    }


def _object(kind: str, metadata: Object, **body: Any) -> Object:
    return {"apiVersion": f"{RBAC}/v1", "kind": kind, "metadata": metadata, **body}
