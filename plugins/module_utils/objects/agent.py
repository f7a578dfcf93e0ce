# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The workloads of the agent and the rights they need; docs/agent.md gives the reason for each need."""

from __future__ import annotations

from typing import Any

from .crds import GROUP
from .rbac import READ, WRITE, cluster_rights, rights

NAMESPACE = "clusterset-fabric"
NODE_AGENT = "fabric-agent"
TUNNEL_KEEPER = "fabric-tunnel"
METRICS_PORT = 14790

Object = dict[str, Any]

_STATE = "/var/lib/clusterset-fabric"
_RUN = "/run/clusterset-fabric"


def agent_daemonset(image: str, *, pull_policy: str = "IfNotPresent", metrics_port: int = METRICS_PORT) -> Object:
    """Return the DaemonSet that programs every node.

    :param image: full reference of the agent's image.
    :param metrics_port: TCP port on the node's own address; the same as ``Fabric.spec.ports.metrics``.

    A pod is ready once its node is programmed as ``Fabric/local`` wants it and, on a gateway, its keys published.
    """
    probe = {"httpGet": {"path": "/readyz", "port": metrics_port}, "periodSeconds": 2, "timeoutSeconds": 2}
    alive = {
        "httpGet": {"path": "/healthz", "port": metrics_port},
        "periodSeconds": 20,
        "timeoutSeconds": 5,
        "failureThreshold": 6,
    }
    container = {
        "name": "agent",
        "image": image,
        "imagePullPolicy": pull_policy,
        "args": ["node"],
        "env": [
            _field("NODE_NAME", "spec.nodeName"),
            _field("NODE_ADDRESS", "status.hostIPs"),  # both families, the node's first one first
            _field("POD_NAMESPACE", "metadata.namespace"),
            {"name": "METRICS_PORT", "value": str(metrics_port)},
        ],
        "ports": [{"name": "metrics", "containerPort": metrics_port, "hostPort": metrics_port, "protocol": "TCP"}],
        "readinessProbe": probe,
        "livenessProbe": alive,
        "securityContext": _security("NET_ADMIN", "NET_RAW"),
        "resources": {"requests": {"cpu": "20m", "memory": "64Mi"}, "limits": {"memory": "256Mi"}},
        "volumeMounts": [
            {"name": "state", "mountPath": _STATE},
            {"name": "run", "mountPath": _RUN},
            {"name": "sockets", "mountPath": "/var/run/wireguard"},
            {"name": "sysctl", "mountPath": "/host/proc/sys/net"},
        ],
    }
    volumes = [
        _host_path("state", _STATE),
        _host_path("run", _RUN),
        _host_path("sockets", f"{_RUN}/wireguard"),
        _host_path("sysctl", "/proc/sys/net", "Directory"),
    ]
    # an agent that loses a way after its start stays unready, and so an update that does harm stops by itself
    strategy = {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "10%"}}
    return _daemonset(NODE_AGENT, container, volumes, strategy, service_account=NODE_AGENT, settle_seconds=3)


def tunnel_daemonset(image: str, *, pull_policy: str = "IfNotPresent") -> Object:
    """Return the DaemonSet that runs ``wireguard-go`` where the kernel has no WireGuard.

    It is updated only when its pod is deleted, since its end is the end of the node's links.
    """
    container = {
        "name": "tunnels",
        "image": image,
        "imagePullPolicy": pull_policy,
        "args": ["tunnels"],
        "securityContext": _security("NET_ADMIN"),
        "resources": {"requests": {"cpu": "10m", "memory": "32Mi"}},
        "volumeMounts": [
            {"name": "run", "mountPath": _RUN},
            {"name": "sockets", "mountPath": "/var/run/wireguard"},
            {"name": "tun", "mountPath": "/dev/net"},
        ],
    }
    volumes = [
        _host_path("run", _RUN),
        _host_path("sockets", f"{_RUN}/wireguard"),
        _host_path("tun", "/dev/net"),
    ]
    return _daemonset(TUNNEL_KEEPER, container, volumes, {"type": "OnDelete"})


def agent_rbac() -> list[Object]:
    """Return the agent's ServiceAccount and the least it must be allowed."""
    kinds = ["tunneladdresses", "gateways", "links"]
    rules = [
        {"apiGroups": [GROUP], "resources": ["fabrics", "peers"], "verbs": READ},
        {"apiGroups": [GROUP], "resources": kinds, "verbs": WRITE},
        {"apiGroups": [GROUP], "resources": [f"{kind}/status" for kind in kinds], "verbs": ["get", "update", "patch"]},
    ]
    # a gateway that is cordoned, or told to by an annotation, moves its traffic to the others
    nodes = [{"apiGroups": [""], "resources": ["nodes"], "verbs": READ}]
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": NODE_AGENT, "namespace": NAMESPACE}}
    return [
        account,
        *rights(NODE_AGENT, rules, [NODE_AGENT]),
        *cluster_rights(f"{NAMESPACE}:{NODE_AGENT}", nodes, NODE_AGENT),
    ]


def _field(name: str, path: str) -> Object:
    return {"name": name, "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": path}}}


def _host_path(name: str, path: str, kind: str = "DirectoryOrCreate") -> Object:
    return {"name": name, "hostPath": {"path": path, "type": kind}}


def _security(*capabilities: str) -> Object:
    return {
        "runAsUser": 0,
        "privileged": False,
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"], "add": list(capabilities)},
        "seccompProfile": {"type": "RuntimeDefault"},
    }


def _daemonset(
    name: str,
    container: Object,
    volumes: list[Object],
    strategy: Object,
    *,
    service_account: str = "",
    settle_seconds: int = 0,
) -> Object:
    labels = {"app.kubernetes.io/name": name, "app.kubernetes.io/part-of": "clusterset.fabric"}
    pod: Object = {
        "hostNetwork": True,
        "dnsPolicy": "Default",
        "priorityClassName": "system-node-critical",
        "terminationGracePeriodSeconds": 5,
        "automountServiceAccountToken": bool(service_account),
        "tolerations": [{"operator": "Exists"}],
        "nodeSelector": {"kubernetes.io/os": "linux"},
        "containers": [container],
        "volumes": volumes,
    }
    if service_account:
        pod["serviceAccountName"] = service_account
    return {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": {"name": name, "namespace": NAMESPACE, "labels": labels},
        "spec": {
            "selector": {"matchLabels": {"app.kubernetes.io/name": name}},
            "updateStrategy": strategy,
            "minReadySeconds": settle_seconds,
            "template": {"metadata": {"labels": labels}, "spec": pod},
        },
    }
