# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is known of the network plugins' releases: which Kubernetes they support, where their manifests are."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..errors import FabricError

Minor = tuple[int, int]


@dataclass(frozen=True)
class KnownFile:
    """An upstream manifest; a file with another digest is not used."""

    url: str
    sha256: str


DEFAULT_VERSIONS = {"flannel": "v0.28.9", "calico": "v3.32.1"}

# Kubernetes minors, first and last, that each minor of a plugin is tested with by its makers; None: no upper end told.
SUPPORT: dict[str, dict[Minor, tuple[Minor, Minor | None]]] = {
    "calico": {
        (3, 29): ((1, 29), (1, 32)),
        (3, 30): ((1, 31), (1, 35)),
        (3, 31): ((1, 32), (1, 35)),
        (3, 32): ((1, 34), (1, 36)),
        (3, 33): ((1, 35), (1, 37)),
    },
    # flannel's makers name a lowest version only; before 0.20 it lived in another namespace.
    "flannel": {(0, minor): ((1, 17), None) for minor in range(20, 30)},
}

_FLANNEL = "https://raw.githubusercontent.com/flannel-io/flannel/{version}/Documentation/kube-flannel.yml"
_CALICO = "https://raw.githubusercontent.com/projectcalico/calico/{version}/manifests/{name}"

_DIGESTS = {
    ("v0.28.9", "kube-flannel.yml"): "e875824be2f552b45711dbda91af81b17eb961d00025d914d9fef18fad8f09c0",
    ("v3.32.1", "calico-v3-crds.yaml"): "b641e0762499f40d1fd140459b6757070f34a162cb57b5e2cd4b9a6142837dd1",
    ("v3.32.1", "calico-vxlan.yaml"): "c2ab4f9a4ecde01d66e6f040d6745cd7f174d5ded573164c809ffb9f40a9d566",
    ("v3.32.1", "calico.yaml"): "a1df919d9721cf667accdc3e72848911b0cb25cfab7d2478ad0c996302c95744",
    ("v3.32.1", "apiserver.yaml"): "3b164b382cccfeae8785e070fbc71ae53d615ad3e03667e2d90f99df8dac3c77",
    ("v3.32.1", "tigera-operator.yaml"): "f18e073794207d372606bc3ea6f8fd73972f86d6828f4ba666dfe0d4aa8ab07f",
    ("v3.32.1", "custom-resources.yaml"): "4fb598a7fce1ad1f8bbfb9004f5efcdb835082e92e06323cb7b8ce60260ed891",
    ("v3.32.1", "v1_crd_projectcalico_org.yaml"): "192f8b2d934ef24b62e86b7e1a6e1762d1c8af26a916f78057bc13fa5ed60f71",
    ("v3.32.1", "v3_projectcalico_org.yaml"): "3486a86cad6e3daa7733f03ceff2755cae25b83511d820d3fc83121b27ba6429",
}

# MutatingAdmissionPolicy, which Calico's native API needs, is served by default from here on.
NATIVE_API_SINCE: Minor = (1, 36)


def minor_of(version: str) -> Minor | None:
    """(1, 36) of "v1.36.3" and of "1.36"; None of anything that is no version."""
    found = re.match(r"v?(\d+)\.(\d+)", version)
    return (int(found.group(1)), int(found.group(2))) if found else None


def check_supported(plugin: str, version: str, kubernetes: str, *, cluster: str) -> None:
    """Refuse a plugin version that is not known to work with the cluster's Kubernetes.

    :raises FabricError: names both versions, and those that would fit.
    """
    known, wanted, cluster_minor = SUPPORT.get(plugin, {}), minor_of(version), minor_of(kubernetes)
    fits = [minor for minor, ends in known.items() if cluster_minor is None or _within(cluster_minor, ends)]
    if wanted in fits:
        return
    if wanted not in known:
        message = f"{plugin} {version} is not known to this collection"
    else:
        first, last = known[wanted]
        ends = f"{_text(first)} to {_text(last)}" if last else f"{_text(first)} and later"
        message = f"{plugin} {version} does not support Kubernetes {kubernetes} (only {ends})"
    choices = ", ".join(_text(minor) for minor in sorted(fits)) or "none"
    fix = f"set fabric_network_plugin_version to a release of {choices}, or fabric_network_plugin: adopt"
    raise FabricError(message, cluster=cluster, fix=fix)


def _within(minor: Minor, ends: tuple[Minor, Minor | None]) -> bool:
    return ends[0] <= minor and (ends[1] is None or minor <= ends[1])


def _text(minor: Minor) -> str:
    return f"{minor[0]}.{minor[1]}"


def known_files(plugin: str, version: str, kubernetes: str, *, cluster: str = "") -> tuple[KnownFile, ...]:
    """The official manifests of a version. Calico comes with its native API where the cluster can have it,
    and with its aggregated API server elsewhere.

    :raises FabricError: no digest of that version is known.
    """
    if plugin == "flannel":
        names: tuple[str, ...] = ("kube-flannel.yml",)
    elif (minor_of(kubernetes) or NATIVE_API_SINCE) >= NATIVE_API_SINCE:
        names = ("calico-v3-crds.yaml",)
    else:
        names = ("calico-vxlan.yaml", "apiserver.yaml")
    missing = [name for name in names if (version, name) not in _DIGESTS]
    if missing:
        raise FabricError(
            f"no digest of {plugin} {version}'s manifest is known",
            cluster=cluster,
            fix=f"give fabric_network_plugin_manifest (a path, or url and sha256), or use {DEFAULT_VERSIONS[plugin]}",
        )
    template = _FLANNEL if plugin == "flannel" else _CALICO
    return tuple(KnownFile(template.format(version=version, name=name), _DIGESTS[version, name]) for name in names)
