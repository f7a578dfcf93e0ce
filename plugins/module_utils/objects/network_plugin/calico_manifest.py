# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is changed in Calico's plain manifests: VXLAN without BGP, the pod range, the MTU."""

from __future__ import annotations

from ...client.types import Object
from .manifest import Manifest, Patch, Settings, set_environment


def _node(manifest: Manifest) -> Object:
    return manifest.container(manifest.find("DaemonSet", "calico-node"), "calico-node")


def calico_backend(manifest: Manifest, settings: Settings) -> None:
    """VXLAN needs no BGP daemon."""
    config_map = manifest.find("ConfigMap", "calico-config")
    manifest.value(config_map, "data", "calico_backend")
    config_map["data"]["calico_backend"] = "vxlan"


def calico_pool(manifest: Manifest, settings: Settings) -> None:
    """The pool that calico-node makes when it starts for the first time."""
    container = _node(manifest)
    known = {entry.get("name") for entry in container.get("env") or []}
    for name, value in (("CALICO_IPV4POOL_IPIP", "Never"), ("CALICO_IPV4POOL_VXLAN", "Always")):
        if name not in known:
            manifest.missed(f"variable {name}")
        set_environment(container, name, value)
    set_environment(container, "CALICO_IPV4POOL_CIDR", settings.pod_cidr)


def calico_cluster_type(manifest: Manifest, settings: Settings) -> None:
    """Says to Calico's own components that no BGP is in use."""
    set_environment(_node(manifest), "CLUSTER_TYPE", "k8s")


def calico_probes(manifest: Manifest, settings: Settings) -> None:
    """Without BGP the probes of its daemon, bird, would fail for ever."""
    container = _node(manifest)
    for probe in ("livenessProbe", "readinessProbe"):
        command = manifest.value(container, probe, "exec", "command")
        container[probe]["exec"]["command"] = [word for word in command if "bird" not in word]


def calico_mtu(manifest: Manifest, settings: Settings) -> None:
    """The pods' MTU; "0" lets each node find it."""
    config_map = manifest.find("ConfigMap", "calico-config")
    manifest.value(config_map, "data", "veth_mtu")
    config_map["data"]["veth_mtu"] = str(settings.mtu)


def calico_data_plane(manifest: Manifest, settings: Settings) -> None:
    """Felix follows kube-proxy's mode by itself unless told otherwise."""
    if settings.data_plane:
        mode = "Enabled" if settings.data_plane == "nftables" else "Disabled"
        set_environment(_node(manifest), "FELIX_NFTABLESMODE", mode)


PATCHES: tuple[Patch, ...] = (
    calico_backend,
    calico_pool,
    calico_cluster_type,
    calico_probes,
    calico_mtu,
    calico_data_plane,
)
