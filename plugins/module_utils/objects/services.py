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
from .rbac import READ, WRITE, binding, cluster_rights, rights, role
from .replicas import labels_of, two_replicas
from .schema import GROUP

SYNC = "fabric-sync"
ALIVE_LEASE = "fabric-sync-alive"
SYNC_PORT = 14791
IMPORTED = "fabric.clusterset.io/import"  # on all that the sync part makes in users' namespaces
EXPORTED = "fabric.clusterset.io/export"  # on the ServiceExports that the inventory asked for
PEER_LABEL = "fabric.clusterset.io/peer"

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
        {"apiGroups": [GROUP], "resources": ["exportedservices", "gateways"], "verbs": READ},
        {
            "apiGroups": ["coordination.k8s.io"],
            "resources": ["leases"],
            "resourceNames": [ALIVE_LEASE],
            "verbs": READ,
        },
    ]
    return role("fabric-peer", rules)


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
        role(name, own),
        binding(name, "fabric-peer", [name]),
        binding(f"{name}-token", name, [name]),
    ]


def sync_rbac() -> list[Object]:
    """The sync part's account and rights: all namespaces for what it imports, its own for the rest."""
    wide = [
        # nodes: gateways are chosen anew when they come and go
        {"apiGroups": [""], "resources": ["namespaces", "nodes"], "verbs": READ},
        {"apiGroups": [""], "resources": ["services"], "verbs": WRITE},
        {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": WRITE},
        # OpenShift asks for this one where the addresses are pods'
        {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices/restricted"], "verbs": ["create"]},
        # those that the inventory asks for
        {"apiGroups": [MCS_GROUP], "resources": ["serviceexports"], "verbs": [*READ, "create", "delete"]},
        {"apiGroups": [MCS_GROUP], "resources": ["serviceimports"], "verbs": WRITE},
        {
            "apiGroups": [MCS_GROUP],
            "resources": ["serviceexports/status", "serviceimports/status"],
            "verbs": ["get", "update", "patch"],
        },
    ]
    own = [
        {"apiGroups": [GROUP], "resources": ["fabrics", "peers", "links", "gateways"], "verbs": READ},
        # what the playbook has planned is in their specs, and not the sync part's to write
        {"apiGroups": [GROUP], "resources": ["fabrics/status", "peers/status"], "verbs": ["patch"]},
        {"apiGroups": [GROUP], "resources": ["exportedservices"], "verbs": WRITE},
        {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": WRITE},
        {"apiGroups": [""], "resources": ["secrets"], "verbs": [*READ, "patch"]},
    ]
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": SYNC, "namespace": NAMESPACE}}
    return [account, *rights(SYNC, own, [SYNC]), *cluster_rights(f"{NAMESPACE}:{SYNC}", wide, SYNC)]


def sync_deployment(image: str, *, peer_timeout: int, token_hours: int) -> Object:
    """Two replicas on different nodes; which of them works is decided by a Lease."""
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
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": SYNC, "namespace": NAMESPACE, "labels": labels_of(SYNC)},
        "spec": two_replicas(SYNC, container, terminationGracePeriodSeconds=5),
    }


def _field(name: str, path: str) -> Object:
    return {"name": name, "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": path}}}
