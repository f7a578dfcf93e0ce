# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Deployment that outlives a node."""

from __future__ import annotations

from typing import Any

Object = dict[str, Any]


def two_replicas(name: str, container: Object, **pod: Any) -> Object:
    """Return the spec of a Deployment of two, on different nodes if there are as many; the account has its name.

    :param pod: more fields of the pods' spec.
    """
    selector = {"matchLabels": {"app.kubernetes.io/name": name}}
    apart = {
        "topologyKey": "kubernetes.io/hostname",
        "maxSkew": 1,
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": selector,
    }
    spec = {
        "serviceAccountName": name,
        "priorityClassName": "system-cluster-critical",
        "nodeSelector": {"kubernetes.io/os": "linux"},
        "tolerations": [{"key": "node-role.kubernetes.io/control-plane", "operator": "Exists", "effect": "NoSchedule"}],
        "topologySpreadConstraints": [apart],
        "containers": [container],
        **pod,
    }
    return {"replicas": 2, "selector": selector, "template": {"metadata": {"labels": labels_of(name)}, "spec": spec}}


def labels_of(name: str) -> dict[str, str]:
    """The labels of such a Deployment and its pods."""
    return {"app.kubernetes.io/name": name, "app.kubernetes.io/part-of": "clusterset.fabric"}
