# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The namespace and the verifier pods of one run in one cluster, within the `restricted` pod security standard."""

from __future__ import annotations

from typing import Any

from ..facts.types import Node
from .types import Place

Object = dict[str, Any]

VERIFY, REHEARSE = "verify", "rehearse"
SECURITY = {VERIFY: "restricted", REHEARSE: "privileged"}
"""Pod security standard by purpose: a rehearsal's outages need the node's network and NET_ADMIN."""
PREFIXES = tuple(f"fabric-{purpose}-" for purpose in SECURITY)
CONTROL_PORT = 8080
LABELS = {"app.kubernetes.io/part-of": "clusterset.fabric", "fabric.clusterset.io/component": "verify"}
SELECTOR = ",".join(f"{key}={value}" for key, value in sorted(LABELS.items()))
ACCOUNT = "verify"
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


def namespace(name: str, purpose: str, marks: dict[str, str]) -> Object:
    """The namespace of a run; `marks` as :func:`leftovers.marks` makes them."""
    labels = {**LABELS, "pod-security.kubernetes.io/enforce": SECURITY[purpose]}
    metadata = {"name": name, "labels": labels, "annotations": dict(marks)}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}


def account(namespace_name: str) -> Object:
    """A ServiceAccount without rights: the default one may not exist yet when the pods are made."""
    return {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": ACCOUNT, "namespace": namespace_name, "labels": dict(LABELS)},
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
        "serviceAccountName": ACCOUNT,
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
        "env": [{"name": "VERIFIER_NAME", "value": place.name}, {"name": "VERIFIER_TOKEN", "value": token}],
        "ports": [{"name": "control", "containerPort": CONTROL_PORT}],
        "readinessProbe": {"httpGet": {"path": "/ready", "port": CONTROL_PORT}, "periodSeconds": 1},
        "resources": {"requests": {"cpu": "10m", "memory": "32Mi"}, "limits": {"memory": "128Mi"}},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
    }
