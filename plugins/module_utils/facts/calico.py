# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the API tells of Calico: version, how packets travel, and by which API its objects are written."""

from __future__ import annotations

from typing import Any

from .raw import Item, Raw, containers, dig, environment
from .services import image_version

NATIVE, STORAGE = "ippools.projectcalico.org", "ippools.crd.projectcalico.org"


def details(raw: Raw, item: Item, kube_proxy: str) -> dict[str, Any]:
    """Everything of facts.types.Plugin that is Calico's own."""
    return {
        "version": version(raw, item),
        "data_plane": data_plane(raw, item, kube_proxy),
        "backend": backend(raw, item),
        "mtu": mtu(raw),
        "api": api(raw),
    }


def version(raw: Raw, item: Item) -> str:
    """What Calico says of itself, else what its image's tag says."""
    installed = dig(raw.calico_installation, "status", "calicoVersion")
    told = installed or dig(raw.calico_information, "spec", "calicoVersion")
    images = [str(each.get("image", "")) for each in containers(item)]
    return str(told or next(filter(None, map(image_version, images)), ""))


def api(raw: Raw) -> str:
    """native: CRDs of projectcalico.org; aggregated: Calico's own API server; v1: only the storage of its own."""
    if NATIVE in raw.crds:
        return "native"
    if dig(raw.calico_api_service, "spec", "service"):
        return "aggregated"
    return "v1" if STORAGE in raw.crds else ""


def data_plane(raw: Raw, item: Item, kube_proxy: str) -> str:
    """iptables, nftables or ebpf; Felix's mode Auto follows kube-proxy's."""
    felix, variables = raw.calico_felix.get("spec") or {}, environment(item)
    plane = str(dig(raw.calico_installation, "spec", "calicoNetwork", "linuxDataplane") or "")
    if plane == "BPF" or felix.get("bpfEnabled") or variables.get("FELIX_BPFENABLED", "").lower() == "true":
        return "ebpf"
    mode = str(felix.get("nftablesMode") or variables.get("FELIX_NFTABLESMODE") or "Auto")
    if plane == "Nftables" or mode == "Enabled":
        return "nftables"
    if mode == "Disabled":
        return "iptables"
    return {"nftables": "nftables", "iptables": "iptables", "ipvs": "iptables"}.get(kube_proxy, "")


def backend(raw: Raw, item: Item) -> str:
    """How packets travel between nodes: wireguard, vxlan, ipip, bgp, or "" where Calico only does policy."""
    if (raw.calico_felix.get("spec") or {}).get("wireguardEnabled"):
        return "wireguard"
    variables = environment(item)
    told = raw.config("calico-config").get("calico_backend") or variables.get("CALICO_NETWORKING_BACKEND")
    if told == "none":
        return ""
    for mode, name in (("vxlanMode", "vxlan"), ("ipipMode", "ipip")):
        if any(dig(pool, "spec", mode) in ("Always", "CrossSubnet") for pool in raw.calico_pools):
            return name
    if told == "vxlan":
        return "vxlan"
    return "bgp" if told == "bird" or raw.calico_pools else ""


def mtu(raw: Raw) -> int:
    """MTU of pods as configured, 0 where each node finds its own."""
    told = str(dig(raw.calico_installation, "status", "mtu") or raw.config("calico-config").get("veth_mtu") or "")
    return int(told) if told.isdigit() else 0
