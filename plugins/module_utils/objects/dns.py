# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What CoreDNS must be allowed to read for the clusterset's names; a CoreDNS of our own where that one is too old."""

from __future__ import annotations

from typing import Any

from .agent import NAMESPACE
from .corefile import ZONE
from .mcs_crds import MCS_GROUP

STUB = "fabric-dns"
_API = "rbac.authorization.k8s.io"
_READ = ["list", "watch"]
_NAMES = [
    {"apiGroups": [MCS_GROUP], "resources": ["serviceimports"], "verbs": _READ},
    {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": _READ},
]
_PLUGIN = {"apiGroups": [""], "resources": ["namespaces", "services"], "verbs": _READ}
_PORT = 1053
_READY_PORT = 8181
COREFILE = f"""{ZONE}:{_PORT} {{
    errors
    ready :{_READY_PORT}
    kubernetes {ZONE} {{
        multicluster {ZONE}
        ttl 5
    }}
    loadbalance
}}
"""
"""Configuration of our own CoreDNS; it answers for the clusterset's names only."""


def coredns_rights() -> list[dict[str, Any]]:
    """A role of our own, so that the one that came with CoreDNS stays as it is."""
    return _rights(f"{NAMESPACE}:coredns", _NAMES, "coredns", "kube-system")


def _rights(name: str, rules: list[dict[str, Any]], account: str, namespace: str) -> list[dict[str, Any]]:
    return [
        {"apiVersion": f"{_API}/v1", "kind": "ClusterRole", "metadata": {"name": name}, "rules": rules},
        {
            "apiVersion": f"{_API}/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": name},
            "roleRef": {"apiGroup": _API, "kind": "ClusterRole", "name": name},
            "subjects": [{"kind": "ServiceAccount", "name": account, "namespace": namespace}],
        },
    ]


def stub_server(image: str) -> list[dict[str, Any]]:
    """Our own CoreDNS: two replicas behind a Service, to whose address the cluster's DNS hands the zone."""
    ports = [{"name": name, "port": 53, "targetPort": name, "protocol": name.upper()} for name in ("udp", "tcp")]
    service = {"selector": {"app.kubernetes.io/name": STUB}, "ports": ports}
    return [
        _ours("v1", "ServiceAccount", {}),
        *_rights(f"{NAMESPACE}:{STUB}", [*_NAMES, _PLUGIN], STUB, NAMESPACE),
        _ours("v1", "ConfigMap", {"data": {"Corefile": COREFILE}}),
        _ours("apps/v1", "Deployment", {"spec": _deployment(image)}),
        _ours("v1", "Service", {"spec": service}),
    ]


def _deployment(image: str) -> dict[str, Any]:
    labels = {"app.kubernetes.io/name": STUB, "app.kubernetes.io/part-of": "clusterset.fabric"}
    ports = [{"name": name, "containerPort": _PORT, "protocol": name.upper()} for name in ("udp", "tcp")]
    container = {
        "name": "coredns",
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "args": ["-conf", "/etc/coredns/Corefile"],
        "ports": ports,
        "readinessProbe": {"httpGet": {"path": "/ready", "port": _READY_PORT}, "periodSeconds": 2},
        "volumeMounts": [{"name": "configuration", "mountPath": "/etc/coredns", "readOnly": True}],
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            # upstream's program asks for it by itself, and does not start without
            "capabilities": {"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]},
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "resources": {"requests": {"cpu": "20m", "memory": "32Mi"}, "limits": {"memory": "256Mi"}},
    }
    apart = {
        "topologyKey": "kubernetes.io/hostname",
        "maxSkew": 1,
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": {"matchLabels": {"app.kubernetes.io/name": STUB}},
    }
    pod = {
        "serviceAccountName": STUB,
        "priorityClassName": "system-cluster-critical",
        "nodeSelector": {"kubernetes.io/os": "linux"},
        "tolerations": [{"key": "node-role.kubernetes.io/control-plane", "operator": "Exists", "effect": "NoSchedule"}],
        "topologySpreadConstraints": [apart],
        "containers": [container],
        "volumes": [{"name": "configuration", "configMap": {"name": STUB}}],
    }
    selector = {"matchLabels": {"app.kubernetes.io/name": STUB}}
    return {"replicas": 2, "selector": selector, "template": {"metadata": {"labels": labels}, "spec": pod}}


def _ours(version: str, kind: str, body: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": STUB, "namespace": NAMESPACE}, **body}
