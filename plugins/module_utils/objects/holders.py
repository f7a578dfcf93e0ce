# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What one holder of a kubeconfig, a person or a job, has in a cluster: an account, bound to one ClusterRole."""

from __future__ import annotations

from typing import Any

from .agent import NAMESPACE
from .rbac import cluster_binding

HOLDER_LABEL = "fabric.clusterset.io/holder"
UNTIL = "fabric.clusterset.io/expires"

Object = dict[str, Any]


def holder_account(name: str, until: str = "") -> Object:
    """The account. :param until: when its newest token ends, RFC 3339, for whoever looks at it; "" = not known yet."""
    metadata: Object = {"name": _account(name), "namespace": NAMESPACE, "labels": {HOLDER_LABEL: name}}
    if until:
        metadata["annotations"] = {UNTIL: until}
    return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata, "automountServiceAccountToken": False}


def holder_binding(name: str, role: str) -> Object:
    """What the account may do, in all namespaces."""
    account = _account(name)
    return cluster_binding(f"{NAMESPACE}:{account}", role, account, labels={HOLDER_LABEL: name})


def _account(name: str) -> str:
    return f"holder-{name}"
