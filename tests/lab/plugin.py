"""Manifest of the lab's own network plugin (files/lab-net.py) for one cluster."""

from __future__ import annotations

import json
from typing import Any

from .nodeimage import BASE_IMAGE
from .paths import FILES
from .spec import ClusterSpec

NAMESPACE = "kube-system"
NAME = "lab-net"


def manifest(cluster: ClusterSpec) -> str:
    """JSON list of the plugin's objects."""
    meta = {"name": NAME, "namespace": NAMESPACE, "labels": {"app.kubernetes.io/name": NAME}}
    objects: list[dict[str, Any]] = [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta},
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRole",
            "metadata": {"name": NAME},
            "rules": [{"apiGroups": [""], "resources": ["nodes"], "verbs": ["get", "list", "watch"]}],
        },
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": NAME},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": NAME},
            "subjects": [{"kind": "ServiceAccount", "name": NAME, "namespace": NAMESPACE}],
        },
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": meta,
            "data": {"lab-net.py": (FILES / "lab-net.py").read_text()},
        },
        {"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": meta, "spec": _daemon_set(cluster)},
    ]
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})


def _daemon_set(cluster: ClusterSpec) -> dict[str, Any]:
    labels = {"app.kubernetes.io/name": NAME}
    environment = [
        {"name": "NODE", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}},
        {"name": "POD_RANGE", "value": cluster.pod_range},
        # Not the Service: kube-proxy may not be there yet, and nothing of this plugin should wait for it.
        {"name": "API", "value": f"https://{cluster.nodes[0]}:6443"},
    ]
    container = {
        "name": NAME,
        "image": BASE_IMAGE.removeprefix("docker.io/"),
        "imagePullPolicy": "IfNotPresent",
        "command": ["python3", "-u", "/lab-net/lab-net.py"],
        "env": environment,
        "securityContext": {"capabilities": {"add": ["NET_ADMIN"]}},
        "volumeMounts": [{"name": "cni", "mountPath": "/etc/cni/net.d"}, {"name": "program", "mountPath": "/lab-net"}],
    }
    pod = {
        "hostNetwork": True,
        "serviceAccountName": NAME,
        "priorityClassName": "system-node-critical",
        "terminationGracePeriodSeconds": 1,
        "tolerations": [{"operator": "Exists"}],
        "containers": [container],
        "volumes": [
            {"name": "cni", "hostPath": {"path": "/etc/cni/net.d"}},
            {"name": "program", "configMap": {"name": NAME}},
        ],
    }
    return {
        "selector": {"matchLabels": labels},
        "template": {"metadata": {"labels": labels}, "spec": pod},
    }
