# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is changed in the resources that Calico's operator builds an installation from."""

from __future__ import annotations

from .manifest import Manifest, Patch, Settings

_PLANES = {"iptables": "Iptables", "nftables": "Nftables"}


def operator_network(manifest: Manifest, settings: Settings) -> None:
    """One VXLAN pool with the cluster's pod range, and no BGP."""
    network = manifest.find("Installation", "default").setdefault("spec", {}).setdefault("calicoNetwork", {})
    pools = network.get("ipPools") or [{"name": "default-ipv4-ippool"}]
    network["ipPools"] = [
        {**pools[0], "cidr": settings.pod_cidr, "encapsulation": "VXLAN", "natOutgoing": "Enabled"},
    ]
    network["bgp"] = "Disabled"


def operator_mtu(manifest: Manifest, settings: Settings) -> None:
    """The pods' MTU, where it is not left to each node."""
    if settings.mtu:
        manifest.find("Installation", "default")["spec"]["calicoNetwork"]["mtu"] = settings.mtu


def operator_data_plane(manifest: Manifest, settings: Settings) -> None:
    """iptables or nftables, where it is not left to the operator."""
    if settings.data_plane:
        network = manifest.find("Installation", "default")["spec"]["calicoNetwork"]
        network["linuxDataplane"] = _PLANES[settings.data_plane]


def operator_extras(manifest: Manifest, settings: Settings) -> None:
    """Flow logs and their pages are no part of a network plugin."""
    manifest.remove(("Goldmane", "default"), ("Whisker", "default"))


PATCHES: tuple[Patch, ...] = (operator_network, operator_mtu, operator_data_plane, operator_extras)
