# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the services stage puts into one cluster: the sync part, its rights, and an account for each peer."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .agent import NAMESPACE
from .exported_service import exported_service_crd
from .mcs_crds import MCS_GROUP
from .schema import GROUP

SYNC = "fabric-sync"
ALIVE_LEASE = "fabric-sync-alive"
SYNC_PORT = 14791
IMPORTED = "fabric.clusterset.io/import"  # on all that the sync part makes in users' namespaces
EXPORTED = "fabric.clusterset.io/export"  # on the ServiceExports that the inventory asked for
PEER_LABEL = "fabric.clusterset.io/peer"
_RBAC = "rbac.authorization.k8s.io"
_READ = ["get", "list", "watch"]
_WRITE = [*_READ, "create", "update", "patch", "delete"]

Object = dict[str, Any]


def service_objects(image: str, peers: Iterable[str], *, peer_timeout: int, token_hours: int) -> list[Object]:
    """Everything but the definitions of the Multi-Cluster Services API, which may be another owner's.

    :param peers: ids of the other clusters. :param peer_timeout: seconds.
    """
    accounts = [obj for peer in sorted(peers) for obj in peer_account(peer)]
    deployment = sync_deployment(image, peer_timeout=peer_timeout, token_hours=token_hours)
    return [exported_service_crd(), *sync_rbac(), peer_role(), *accounts, deployment]


def account_of(peer: str) -> str:
    """Name of the ServiceAccount that a peer has here, and of the Secret that holds ours at that peer."""
    return f"peer-{peer}"


def peer_role() -> Object:
    """All that a peer may do here, but for renewing its own token."""
    rules = [
        {"apiGroups": [GROUP], "resources": ["exportedservices", "gateways"], "verbs": _READ},
        {
            "apiGroups": ["coordination.k8s.io"],
            "resources": ["leases"],
            "resourceNames": [ALIVE_LEASE],
            "verbs": _READ,
        },
    ]
    return _named("Role", "fabric-peer", {"rules": rules})


def peer_account(peer: str) -> list[Object]:
    """The account of one peer; it can make tokens for itself, so that nobody else has to renew them."""
    name = account_of(peer)
    own = [
        {"apiGroups": [""], "resources": ["serviceaccounts/token"], "resourceNames": [name], "verbs": ["create"]},
    ]
    account = {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": name, "namespace": NAMESPACE, "labels": {PEER_LABEL: peer}},
        "automountServiceAccountToken": False,
    }
    return [
        account,
        _named("Role", name, {"rules": own}),
        _binding(name, "Role", "fabric-peer", name),
        _binding(f"{name}-token", "Role", name, name),
    ]


def sync_rbac() -> list[Object]:
    """The sync part's account and rights: all namespaces for what it imports, its own for the rest."""
    wide = [
        # nodes: gateways are chosen anew when they come and go
        {"apiGroups": [""], "resources": ["namespaces", "nodes"], "verbs": _READ},
        {"apiGroups": [""], "resources": ["services"], "verbs": _WRITE},
        {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": _WRITE},
        # OpenShift asks for this one where the addresses are pods'
        {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices/restricted"], "verbs": ["create"]},
        # those that the inventory asks for
        {"apiGroups": [MCS_GROUP], "resources": ["serviceexports"], "verbs": [*_READ, "create", "delete"]},
        {"apiGroups": [MCS_GROUP], "resources": ["serviceimports"], "verbs": _WRITE},
        {
            "apiGroups": [MCS_GROUP],
            "resources": ["serviceexports/status", "serviceimports/status"],
            "verbs": ["get", "update", "patch"],
        },
    ]
    own = [
        {"apiGroups": [GROUP], "resources": ["fabrics", "peers", "links", "gateways"], "verbs": _READ},
        # what the playbook has planned is in their specs, and not the sync part's to write
        {"apiGroups": [GROUP], "resources": ["fabrics/status", "peers/status"], "verbs": ["patch"]},
        {"apiGroups": [GROUP], "resources": ["exportedservices"], "verbs": _WRITE},
        {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": _WRITE},
        {"apiGroups": [""], "resources": ["secrets"], "verbs": [*_READ, "patch"]},
    ]
    wide_name = f"{NAMESPACE}:{SYNC}"
    cluster_role = {"apiVersion": f"{_RBAC}/v1", "kind": "ClusterRole", "metadata": {"name": wide_name}, "rules": wide}
    cluster_binding = {
        "apiVersion": f"{_RBAC}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": wide_name},
        "roleRef": {"apiGroup": _RBAC, "kind": "ClusterRole", "name": wide_name},
        "subjects": [_subject(SYNC)],
    }
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": SYNC, "namespace": NAMESPACE}}
    return [
        account,
        _named("Role", SYNC, {"rules": own}),
        _binding(SYNC, "Role", SYNC, SYNC),
        cluster_role,
        cluster_binding,
    ]


def sync_deployment(image: str, *, peer_timeout: int, token_hours: int) -> Object:
    """Two replicas on different nodes; which of them works is decided by a Lease."""
    labels = {"app.kubernetes.io/name": SYNC, "app.kubernetes.io/part-of": "clusterset.fabric"}
    probe = {"httpGet": {"path": "/healthz", "port": SYNC_PORT}, "periodSeconds": 5, "timeoutSeconds": 3}
    container = {
        "name": "sync",
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "args": ["sync"],
        "env": [
            _field("POD_NAME", "metadata.name"),
            _field("POD_NAMESPACE", "metadata.namespace"),
            _field("POD_IP", "status.podIP"),
            {"name": "PEER_TIMEOUT", "value": str(peer_timeout)},
            {"name": "TOKEN_SECONDS", "value": str(3600 * token_hours)},
            {"name": "METRICS_PORT", "value": str(SYNC_PORT)},
        ],
        "ports": [{"name": "metrics", "containerPort": SYNC_PORT, "protocol": "TCP"}],
        "readinessProbe": probe,
        "livenessProbe": {**probe, "periodSeconds": 20, "failureThreshold": 6},
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": 65532,
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "resources": {"requests": {"cpu": "20m", "memory": "64Mi"}, "limits": {"memory": "512Mi"}},
    }
    apart = {
        "topologyKey": "kubernetes.io/hostname",
        "maxSkew": 1,
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": {"matchLabels": {"app.kubernetes.io/name": SYNC}},
    }
    pod: Object = {
        "serviceAccountName": SYNC,
        "priorityClassName": "system-cluster-critical",
        "terminationGracePeriodSeconds": 5,
        "nodeSelector": {"kubernetes.io/os": "linux"},
        "tolerations": [{"key": "node-role.kubernetes.io/control-plane", "operator": "Exists", "effect": "NoSchedule"}],
        "topologySpreadConstraints": [apart],
        "containers": [container],
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": SYNC, "namespace": NAMESPACE, "labels": labels},
        "spec": {
            "replicas": 2,
            "selector": {"matchLabels": {"app.kubernetes.io/name": SYNC}},
            "template": {"metadata": {"labels": labels}, "spec": pod},
        },
    }


def _field(name: str, path: str) -> Object:
    return {"name": name, "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": path}}}


def _named(kind: str, name: str, body: Object) -> Object:
    return {"apiVersion": f"{_RBAC}/v1", "kind": kind, "metadata": {"name": name, "namespace": NAMESPACE}, **body}


def _subject(name: str) -> Object:
    return {"kind": "ServiceAccount", "name": name, "namespace": NAMESPACE}


def _binding(name: str, kind: str, role: str, account: str) -> Object:
    role_ref = {"apiGroup": _RBAC, "kind": kind, "name": role}
    return _named("RoleBinding", name, {"roleRef": role_ref, "subjects": [_subject(account)]})
