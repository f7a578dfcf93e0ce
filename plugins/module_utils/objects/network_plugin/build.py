# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From an upstream manifest to the objects that a cluster gets: a pure function."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ...client.types import Object
from ...errors import FabricError
from ...facts.raw import name_of
from ...facts.releases import check_supported, minor_of
from . import calico_api, calico_manifest, calico_operator, flannel
from .manifest import Certificate, Manifest, Patch, Settings, parse, run_patches

BACKENDS = {"flannel": ("vxlan", "host-gw", "wireguard"), "calico": ("vxlan",)}


def network_plugin_objects(
    name: str,
    version: str,
    manifest_text: str,
    *,
    pod_cidrs: Iterable[str],
    mtu: int = 0,
    kubernetes_version: str,
    backend: str = "vxlan",
    data_plane: str = "",
    certificates: Mapping[str, Certificate] | None = None,
    cluster: str = "",
) -> list[Object]:
    """The objects of a network plugin, parametrised for one cluster.

    :param name: flannel or calico. Calico's variant (plain manifest or operator, native or aggregated API) is known
        by what the manifest holds.
    :param version: "v0.28.9"; "" takes what the manifest's images say.
    :param pod_cidrs: exactly one IPv4 range.
    :param mtu: bytes, of the pods; 0 leaves it to the plugin.
    :param certificates: by server (calico-apiserver, calico-webhooks); see certificates.py.
    :raises FabricError: an unsupported combination, a manifest that a patch does not fit, a range that cannot be.
    """
    try:
        manifest = parse(name, version, manifest_text)
        check_supported(name, manifest.version or version, kubernetes_version, cluster=cluster)
        settings = Settings(
            pod_cidr=_one_range(name, tuple(pod_cidrs)),
            mtu=mtu,
            backend=backend,
            data_plane=data_plane,
            kubernetes=minor_of(kubernetes_version),
            certificates=certificates or {},
        )
        if backend not in BACKENDS[name]:
            raise FabricError(f"{name} is not installed with the backend {backend}", fix=f"use {BACKENDS[name][0]}")
        run_patches(manifest, settings, patches_for(manifest))
    except FabricError as error:
        raise FabricError(error.message, cluster=cluster, fix=error.fix) from error
    return manifest.objects


def _one_range(name: str, pod_cidrs: tuple[str, ...]) -> str:
    if len(pod_cidrs) != 1 or ":" in pod_cidrs[0]:
        raise FabricError(
            f"{name} is installed with one IPv4 pod range, not with '{', '.join(pod_cidrs)}'",
            fix="set fabric_pod_cidrs to one IPv4 range, or install the plugin yourself and adopt it",
        )
    return pod_cidrs[0]


def is_operator(objects: Iterable[Object]) -> bool:
    """Whether the objects are Calico's operator and what it builds from."""
    return any(item["kind"] == "Installation" and item["apiVersion"] == "operator.tigera.io/v1" for item in objects)


def patches_for(manifest: Manifest) -> tuple[Patch, ...]:
    """The patches that this kind of manifest needs."""
    if manifest.plugin == "flannel":
        return flannel.PATCHES
    if is_operator(manifest.objects):
        return calico_operator.PATCHES
    return calico_manifest.PATCHES + calico_api.PATCHES


def api_of(objects: Iterable[Object]) -> str:
    """Which projectcalico.org/v3 API a Calico of these objects has: native, aggregated, or "" for none."""
    names = {(item["kind"], name_of(item)) for item in objects}
    if ("CustomResourceDefinition", "ippools.projectcalico.org") in names:
        return "native"
    return "aggregated" if {("APIService", "v3.projectcalico.org"), ("APIServer", "default")} & names else ""
