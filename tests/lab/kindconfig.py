"""The configuration that `kind` gets for one cluster."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from .spec import ClusterSpec


def config(cluster: ClusterSpec, port: int, *, own_image: bool, extras: Path) -> str:
    """kind's Cluster document as JSON (which is YAML). `extras`: folder with files for the nodes' entry point."""
    mounts = [{"hostPath": str(extras), "containerPath": "/kind/lab", "readOnly": True}]
    roles = ["control-plane"] * cluster.control_planes + ["worker"] * cluster.workers
    return json.dumps(
        {
            "kind": "Cluster",
            "apiVersion": "kind.x-k8s.io/v1alpha4",
            "name": cluster.name,
            "networking": {
                "apiServerAddress": "127.0.0.1",
                "apiServerPort": port,
                "disableDefaultCNI": own_image or cluster.plugin == "none",
                "podSubnet": cluster.pod_range,
                "serviceSubnet": cluster.service_range,
                "kubeProxyMode": cluster.proxy_mode,
            },
            "nodes": [{"role": role, "extraMounts": mounts} for role in roles],
            "kubeadmConfigPatches": [json.dumps(patch) for patch in _patches(cluster, own_image)],
        },
        indent=1,
    )


def _patches(cluster: ClusterSpec, own_image: bool) -> list[dict[str, Any]]:
    # Merged into what kind writes: a list of extraArgs is merged by name, so one name can be given only once.
    issuer = [{"name": "service-account-issuer", "value": cluster.issuer}]
    patches: list[dict[str, Any]] = [
        {"kind": "ClusterConfiguration", "apiServer": {"extraArgs": issuer}},
        {"kind": "KubeProxyConfiguration", "conntrack": {"tcpBeLiberal": cluster.tcp_be_liberal}},
    ]
    if own_image:
        patches.append(
            {
                "kind": "KubeletConfiguration",
                "failCgroupV1": False,
                "cgroupDriver": "cgroupfs",
                "resolvConf": "/etc/resolv-pods.conf",
            }
        )
    return patches


def node_settings(cluster: ClusterSpec) -> str:
    """Kernel settings of the nodes' own network namespaces, in the format of sysctl.conf."""
    mode = 1 if cluster.strict_rp_filter else 0
    return f"net.ipv4.conf.all.rp_filter = {mode}\nnet.ipv4.conf.default.rp_filter = {mode}\n"
