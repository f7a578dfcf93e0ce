# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""kube-proxy and the cluster's DNS."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .documents import mapping
from .raw import Item, Raw, containers, flag_values, flags, name_of

_MODES = ("iptables", "nftables", "ipvs")
# EKS keeps the same document under other names.
_CONFIGURATIONS = (("kube-proxy", "config.conf"), ("kube-proxy-config", "config"))


def kube_proxy_configuration(raw: Raw) -> Item:
    """The KubeProxyConfiguration that kube-proxy reads, {} where none is found."""
    for name, key in _CONFIGURATIONS:
        found = mapping(raw.config(name).get(key, ""))
        if found:
            return found
    return {}


def kube_proxy(raw: Raw) -> str:
    """iptables, nftables, ipvs; "none" where it is known to be replaced; "" where the API does not tell.

    An empty mode in the configuration is iptables: that is what kube-proxy itself takes on Linux.
    """
    if _replaced(raw):
        return "none"
    sets = [item for item in raw.daemon_sets if name_of(item).startswith("kube-proxy")]
    given = next(flags(sets, "--proxy-mode"), "") or next(_k3s_modes(raw), "")
    configuration = kube_proxy_configuration(raw)
    if given or configuration:
        mode = given or str(configuration.get("mode") or "") or "iptables"
        return mode if mode in _MODES else ""
    return ""


def _replaced(raw: Raw) -> bool:
    return str(raw.config("cilium-config").get("kube-proxy-replacement", "")).lower() in ("true", "strict")


def _k3s_modes(raw: Raw) -> Iterator[str]:
    values = flag_values(raw.node_arguments(), "--kube-proxy-arg")
    return (value.split("=", 1)[1] for value in values if value.startswith("proxy-mode="))


def dns(raw: Raw) -> tuple[str, str]:
    """DNS server ("coredns", "kube-dns", "other" or "" for none found) and CoreDNS's version ("" where unknown)."""
    workloads = raw.dns_deployments + [item for item in raw.daemon_sets if name_of(item) == "dns-default"]
    images = [str(each.get("image", "")) for item in workloads for each in containers(item)]
    for image in images:
        if "coredns" in image:
            return "coredns", image_version(image).removeprefix("v")
    names = [name_of(item) for item in workloads]
    if any("coredns" in name or name == "dns-default" for name in names):
        return "coredns", ""
    if any("dns" in name for name in names):
        return "kube-dns", ""
    return ("other", "") if workloads else ("", "")


def image_version(image: str) -> str:
    """Version in an image's tag ("v3.32.1" of "quay.io/calico/node:v3.32.1@sha256:..."), "" where it has none."""
    tag = image.partition("@")[0].rpartition("/")[2].partition(":")[2]
    found = re.match(r"v?\d+\.\d+(\.\d+)?", tag)
    return found.group(0) if found else ""
