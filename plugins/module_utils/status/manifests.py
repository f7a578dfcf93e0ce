# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The namespace and the pods of one verification in one cluster, within the `restricted` pod security standard."""

from __future__ import annotations

from typing import Any

from ..facts.types import Node
from .types import Place

Object = dict[str, Any]

PREFIX = "fabric-verify-"
CONTROL_PORT = 8080
LABELS = {"app.kubernetes.io/part-of": "clusterset.fabric", "fabric.clusterset.io/component": "verify"}
SELECTOR = ",".join(f"{key}={value}" for key, value in sorted(LABELS.items()))
EXPIRES = "fabric.clusterset.io/expires"  # annotation of the namespace: seconds since 1970
RUNNER = "fabric.clusterset.io/runner"  # annotation of the namespace: see `leftovers`
_ACCOUNT = "verify"
_USER = 65532


def choose(nodes: tuple[Node, ...], gateways: tuple[str, ...], which: str) -> tuple[list[Node], list[Node]]:
    """Nodes to test, gateways first, and the Linux nodes that would be but are not Ready.

    `which` = `all`, or `sample`: one gateway and one other node, rather a worker than a control plane; two nodes where
    the cluster has no gateway yet.
    """
    linux = [node for node in nodes if node.labels.get("kubernetes.io/os", "linux") == "linux"]
    ready = sorted((node for node in linux if node.ready), key=lambda node: (node.name not in gateways, node.name))
    absent = [node for node in linux if not node.ready]
    if which == "all":
        return ready, absent
    first = ready[:1]
    others = [node for node in ready[1:] if node.name not in gateways] or ready[1:]
    others.sort(key=lambda node: (node.control_plane, not node.schedulable, node.name))
    return first + others[:1], [node for node in absent if node.name in gateways]


def namespace(name: str, *, expires: float, runner: str) -> Object:
    """The namespace of a run; `expires` in seconds since 1970."""
    labels = {**LABELS, "pod-security.kubernetes.io/enforce": "restricted"}
    annotations = {EXPIRES: str(int(expires)), RUNNER: runner}
    metadata = {"name": name, "labels": labels, "annotations": annotations}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}


def account(namespace_name: str) -> Object:
    """A ServiceAccount without rights: the default one may not exist yet when the pods are made."""
    return {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": _ACCOUNT, "namespace": namespace_name, "labels": dict(LABELS)},
        "automountServiceAccountToken": False,
    }


def pod(place: Place, namespace_name: str, *, image: str, token: str, seconds: float) -> Object:
    """A verifier on the node of `place`, past the scheduler and every taint; it ends by itself after `seconds`."""
    spec = {
        "nodeName": place.node,
        "tolerations": [{"operator": "Exists"}],
        "restartPolicy": "Never",
        "activeDeadlineSeconds": int(seconds),
        "terminationGracePeriodSeconds": 1,
        "serviceAccountName": _ACCOUNT,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": _USER,
            "runAsGroup": _USER,
            "seccompProfile": {"type": "RuntimeDefault"},
            # lets the pod send ICMP echo without a capability; Kubernetes counts it among the safe ones
            "sysctls": [{"name": "net.ipv4.ping_group_range", "value": "0 65535"}],
        },
        "containers": [_container(place, image, token)],
    }
    metadata = {"name": place.pod, "namespace": namespace_name, "labels": dict(LABELS)}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def _container(place: Place, image: str, token: str) -> Object:
    return {
        "name": "verifier",
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "command": ["python3", "-m", "clusterset_agent.verifier"],
        "env": [{"name": "VERIFIER_NAME", "value": place.label}, {"name": "VERIFIER_TOKEN", "value": token}],
        "ports": [{"name": "control", "containerPort": CONTROL_PORT}],
        "readinessProbe": {"httpGet": {"path": "/ready", "port": CONTROL_PORT}, "periodSeconds": 1},
        "resources": {"requests": {"cpu": "10m", "memory": "32Mi"}, "limits": {"memory": "128Mi"}},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
    }
