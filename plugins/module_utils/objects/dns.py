# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What CoreDNS must be allowed to read for the clusterset's names; a CoreDNS of our own where that one is too old."""

from __future__ import annotations

from typing import Any

from .agent import NAMESPACE
from .corefile import ZONE
from .mcs_crds import MCS_GROUP
from .rbac import cluster_rights
from .replicas import two_replicas

STUB = "fabric-dns"
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
    return cluster_rights(f"{NAMESPACE}:coredns", _NAMES, "coredns", "kube-system")


def stub_server(image: str) -> list[dict[str, Any]]:
    """Our own CoreDNS: two replicas behind a Service, to whose address the cluster's DNS hands the zone."""
    ports = [{"name": name, "port": 53, "targetPort": name, "protocol": name.upper()} for name in ("udp", "tcp")]
    service = {"selector": {"app.kubernetes.io/name": STUB}, "ports": ports}
    return [
        _ours("v1", "ServiceAccount", {}),
        *cluster_rights(f"{NAMESPACE}:{STUB}", [*_NAMES, _PLUGIN], STUB),
        _ours("v1", "ConfigMap", {"data": {"Corefile": COREFILE}}),
        _ours("apps/v1", "Deployment", {"spec": _deployment(image)}),
        _ours("v1", "Service", {"spec": service}),
    ]


def _deployment(image: str) -> dict[str, Any]:
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
    return two_replicas(STUB, container, volumes=[{"name": "configuration", "configMap": {"name": STUB}}])


def _ours(version: str, kind: str, body: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": STUB, "namespace": NAMESPACE}, **body}
