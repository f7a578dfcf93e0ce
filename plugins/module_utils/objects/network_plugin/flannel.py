# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is changed in flannel's manifest."""

from __future__ import annotations

import json
from typing import Any

from ...client.types import Object
from ...facts.documents import mapping
from ...facts.flannel import OVERHEAD
from .manifest import Manifest, Patch, Settings


def _configuration(manifest: Manifest) -> tuple[Object, dict[str, Any]]:
    config_map = manifest.find("ConfigMap", "kube-flannel-cfg")
    text = manifest.value(config_map, "data", "net-conf.json")
    return config_map, mapping(text) or manifest.missed("JSON in net-conf.json")


def _write(config_map: Object, configuration: dict[str, Any]) -> None:
    config_map["data"]["net-conf.json"] = json.dumps(configuration, indent=2) + "\n"


def flannel_network(manifest: Manifest, settings: Settings) -> None:
    """The pod range of this cluster."""
    config_map, configuration = _configuration(manifest)
    if "Network" not in configuration:
        manifest.missed("Network in net-conf.json")
    _write(config_map, {**configuration, "Network": settings.pod_cidr})


def flannel_backend(manifest: Manifest, settings: Settings) -> None:
    """How packets travel, and the MTU: flannel wants that of the network below and takes its overhead off."""
    config_map, configuration = _configuration(manifest)
    backend: dict[str, Any] = {"Type": settings.backend}
    old = configuration.get("Backend") or manifest.missed("Backend in net-conf.json")
    if old.get("Type") == settings.backend:
        backend = dict(old)
    if settings.mtu and settings.backend != "host-gw":
        backend["MTU"] = settings.mtu + OVERHEAD[settings.backend]
    _write(config_map, {**configuration, "Backend": backend})


def flannel_data_plane(manifest: Manifest, settings: Settings) -> None:
    """iptables or nftables for its masquerading rules."""
    if settings.data_plane:
        config_map, configuration = _configuration(manifest)
        _write(config_map, {**configuration, "EnableNFTables": settings.data_plane == "nftables"})


PATCHES: tuple[Patch, ...] = (flannel_network, flannel_backend, flannel_data_plane)
