# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What CoreDNS must be allowed to read for the clusterset's names."""

from __future__ import annotations

from typing import Any

from .agent import NAMESPACE
from .mcs_crds import MCS_GROUP

_API = "rbac.authorization.k8s.io"


def coredns_rights() -> list[dict[str, Any]]:
    """A role of our own, so that the one that came with CoreDNS stays as it is."""
    name = f"{NAMESPACE}:coredns"
    read = ["list", "watch"]
    rules = [
        {"apiGroups": [MCS_GROUP], "resources": ["serviceimports"], "verbs": read},
        {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": read},
    ]
    subject = {"kind": "ServiceAccount", "name": "coredns", "namespace": "kube-system"}
    role_ref = {"apiGroup": _API, "kind": "ClusterRole", "name": name}
    return [
        {"apiVersion": f"{_API}/v1", "kind": "ClusterRole", "metadata": {"name": name}, "rules": rules},
        {
            "apiVersion": f"{_API}/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": name},
            "roleRef": role_ref,
            "subjects": [subject],
        },
    ]
