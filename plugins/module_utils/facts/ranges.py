# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pod and service ranges: what each source says, and whether they agree."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Union

from .documents import mapping
from .raw import Item, Raw, dig, environment, flag_values, flags
from .services import kube_proxy_configuration
from .types import Disagreement, Node, Plugin

Network = Union[IPv4Network, IPv6Network]  # noqa: UP007 - the sanity tests' pylint knows no "|" of classes
Sources = dict[str, tuple[Network, ...]]  # what says it -> what it says; the first is trusted most

REMOTE_POOL = "fabric.clusterset.io/peer"  # label of the IPPools that stand for other clusters' ranges
_K3S_PODS, _K3S_SERVICES = "10.42.0.0/16", "10.43.0.0/16"  # what k3s and RKE2 take without a flag
_WEAVE = "10.32.0.0/12"  # what weave takes without IPALLOC_RANGE
# These hand out addresses from Node.spec.podCIDRs; Calico, Cilium and weave have ranges of their own.
_SLICED = ("flannel", "canal", "kindnet", "none")


def networks(*texts: str) -> tuple[Network, ...]:
    """CIDRs in texts that separate them by comma or space; what is none is left out."""
    found = []
    for word in " ".join(texts).replace(",", " ").split():
        try:
            found.append(ip_network(word, strict=False))
        except ValueError:
            continue
    return tuple(dict.fromkeys(found))


def service_sources(raw: Raw) -> Sources:
    """Each source of the service ranges; several ServiceCIDR objects count together."""
    kubeadm = mapping(raw.config("kubeadm-config").get("ClusterConfiguration", ""))
    cidrs = [str(cidr) for item in raw.service_cidrs for cidr in dig(item, "spec", "cidrs") or []]
    flag = "--service-cluster-ip-range"
    return _present(
        {
            "ServiceCIDR": networks(*cidrs),
            "kubeadm-config": networks(str(dig(kubeadm, "networking", "serviceSubnet") or "")),
            "kube-apiserver": networks(*flags(raw.control("kube-apiserver"), flag)),
            "kube-controller-manager": networks(*flags(raw.control("kube-controller-manager"), flag)),
            "networks.config.openshift.io": networks(*dig(raw.openshift_network, "status", "serviceNetwork") or []),
            "k3s": _k3s(raw, "--service-cidr", _K3S_SERVICES),
        }
    )


def pod_sources(raw: Raw, plugin: Plugin) -> Sources:
    """Each source of the pod ranges, the plugin's own among them."""
    kubeadm = mapping(raw.config("kubeadm-config").get("ClusterConfiguration", ""))
    proxy = kube_proxy_configuration(raw)
    entries = dig(raw.openshift_network, "status", "clusterNetwork") or []
    # With another detectLocalMode the value is ignored by kube-proxy, so nobody keeps it true.
    proxied = str(proxy.get("clusterCIDR") or "") if proxy.get("detectLocalMode") in (None, "", "ClusterCIDR") else ""
    return _present(
        {
            "networks.config.openshift.io": networks(*(str(entry.get("cidr", "")) for entry in entries)),
            "kubeadm-config": networks(str(dig(kubeadm, "networking", "podSubnet") or "")),
            "kube-controller-manager": networks(*flags(raw.control("kube-controller-manager"), "--cluster-cidr")),
            "k3s": _k3s(raw, "--cluster-cidr", _K3S_PODS),
            plugin.name: networks(*_plugin_ranges(raw, plugin)),
            "kube-proxy": networks(proxied),
        }
    )


def _k3s(raw: Raw, flag: str, default: str) -> tuple[Network, ...]:
    words = raw.node_arguments()
    if "server" not in words:
        return ()
    return networks(*flag_values(words, flag)) or networks(default)


def _plugin_ranges(raw: Raw, plugin: Plugin) -> Iterable[str]:
    if plugin.name == "calico":
        return calico_ranges(raw.calico_pools)
    if plugin.name in ("flannel", "canal"):
        conf = mapping((raw.plugin_config.get("data") or {}).get("net-conf.json", ""))
        return [str(conf.get(key) or "") for key in ("Network", "IPv6Network")]
    if plugin.name == "cilium" and raw.config("cilium-config").get("ipam") == "cluster-pool":
        config = raw.config("cilium-config")
        return [config.get(f"cluster-pool-{family}-cidr", "") for family in ("ipv4", "ipv6")]
    if plugin.name in ("kindnet", "weave"):
        variable, default = {"kindnet": ("POD_SUBNET", ""), "weave": ("IPALLOC_RANGE", _WEAVE)}[plugin.name]
        sets = [item for item in raw.daemon_sets if dig(item, "metadata", "name") in ("kindnet", "weave-net")]
        return [environment(item).get(variable, default) for item in sets]
    return []


def calico_ranges(pools: Iterable[Item]) -> list[str]:
    """CIDRs of the pools that pods of this cluster get addresses from."""
    return [
        str(dig(pool, "spec", "cidr") or "")
        for pool in pools
        if not dig(pool, "spec", "disabled")
        and "Workload" in (dig(pool, "spec", "allowedUses") or ["Workload"])
        and REMOTE_POOL not in (dig(pool, "metadata", "labels") or {})
    ]


def _present(sources: Mapping[str, tuple[Network, ...]]) -> Sources:
    return {name: found for name, found in sources.items() if found}


def settle(subject: str, sources: Sources) -> tuple[tuple[str, ...], tuple[Disagreement, ...]]:
    """The ranges that all sources agree on, per address family.

    The first source counts if it covers what every other one says. If it does not, the family has no range and
    the disagreement is returned: only the operator can know which one is true.
    """
    settled: list[str] = []
    disagreements: list[Disagreement] = []
    for family in (4, 6):
        said = {name: tuple(each for each in found if each.version == family) for name, found in sources.items()}
        said = _present(said)
        first = next(iter(said.values()), ())
        if all(covered(each, first) for found in said.values() for each in found):
            settled += map(str, first)
        else:
            disagreements.append(Disagreement(subject, {name: _text(found) for name, found in said.items()}))
    return tuple(settled), tuple(disagreements)


def slices_outside(nodes: Iterable[Node], plugin: Plugin, pod_cidrs: Iterable[str]) -> tuple[Disagreement, ...]:
    """A disagreement where the nodes' own slices lie outside the cluster's pod ranges."""
    ranges = networks(*pod_cidrs)
    slices = networks(*(cidr for node in nodes for cidr in node.pod_cidrs))
    families = {each.version for each in ranges}
    outside = tuple(each for each in slices if each.version in families and not covered(each, ranges))
    if plugin.name not in _SLICED or not outside:
        return ()
    return (Disagreement("pod ranges", {"cluster": _text(ranges), "Node.spec.podCIDRs": _text(outside)}),)


def covered(inner: Network, outer: Iterable[Network]) -> bool:
    """Whether one of the outer networks holds the whole inner one."""
    return any(inner.version == each.version and inner.subnet_of(each) for each in outer)  # type: ignore[arg-type]


def _text(found: Iterable[Network]) -> str:
    return ", ".join(map(str, found))
