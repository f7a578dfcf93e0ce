# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the API server answered, before anything is concluded from it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from .documents import mapping

Item = dict[str, Any]


@dataclass
class Raw:
    """API objects by kind; an absent API or object is an empty list or mapping."""

    version: Item = field(default_factory=dict)  # /version
    kube_system: Item = field(default_factory=dict)  # the Namespace
    nodes: list[Item] = field(default_factory=list)
    daemon_sets: list[Item] = field(default_factory=list)  # all namespaces
    config_maps: list[Item] = field(default_factory=list)  # kube-system
    control_pods: list[Item] = field(default_factory=list)  # static pods of the control plane
    dns_deployments: list[Item] = field(default_factory=list)
    service_cidrs: list[Item] = field(default_factory=list)  # networking.k8s.io ServiceCIDR
    crds: frozenset[str] = frozenset()
    receipts: frozenset[str] = frozenset()  # names of the ConfigMaps in our namespace
    properties: list[Item] = field(default_factory=list)  # ClusterProperty
    openshift_network: Item = field(default_factory=dict)
    plugin_config: Item = field(default_factory=dict)  # ConfigMap that flannel's or canal's pods mount
    calico_api_service: Item = field(default_factory=dict)  # APIService v3.projectcalico.org
    calico_installation: Item = field(default_factory=dict)  # operator's Installation "default"
    calico_information: Item = field(default_factory=dict)  # ClusterInformation "default"
    calico_felix: Item = field(default_factory=dict)  # FelixConfiguration "default"
    calico_pools: list[Item] = field(default_factory=list)  # IPPool
    fabrics: list[Item] = field(default_factory=list)
    gateways: list[Item] = field(default_factory=list)
    peers: list[Item] = field(default_factory=list)
    tunnel_addresses: list[Item] = field(default_factory=list)

    def config(self, name: str) -> Mapping[str, str]:
        """``data`` of a ConfigMap in kube-system, {} where it is absent."""
        return next((item.get("data") or {} for item in self.config_maps if name_of(item) == name), {})

    def node_arguments(self) -> list[str]:
        """Command lines of k3s or RKE2, one after the other, as their nodes' annotations hold them."""
        words: list[str] = []
        for item in self.nodes:
            notes = dig(item, "metadata", "annotations") or {}
            for key in ("k3s.io/node-args", "rke2.io/node-args"):
                words += map(str, mapping('{"words": ' + notes[key] + "}").get("words") or [] if key in notes else [])
        return words

    def control(self, component: str) -> list[Item]:
        """Static pods that run this component of the control plane."""
        return [item for item in self.control_pods if labels_of(item).get("component") == component]


def name_of(item: Item) -> str:
    """metadata.name"""
    return str(dig(item, "metadata", "name") or "")


def labels_of(item: Item) -> dict[str, str]:
    """metadata.labels, {} where there are none."""
    return dig(item, "metadata", "labels") or {}


def dig(item: Any, *path: str) -> Any:
    """Value at a path of keys, or None as soon as one is missing."""
    for key in path:
        if not isinstance(item, dict):
            return None
        item = item.get(key)
    return item


def containers(workload: Item) -> list[Item]:
    """Containers of a pod, or of the pod template of a workload."""
    spec = dig(workload, "spec", "template", "spec") or workload.get("spec") or {}
    return list(spec.get("containers") or [])


def flags(pods: Iterable[Item], flag: str) -> Iterator[str]:
    """Values of a command line flag (``--flag=value`` or ``--flag value``) in all containers, as written."""
    for container in (each for pod in pods for each in containers(pod)):
        words = [str(word) for word in (container.get("command") or []) + (container.get("args") or [])]
        yield from flag_values(words, flag)


def flag_values(words: list[str], flag: str) -> Iterator[str]:
    """Values of one flag in a list of command line words."""
    for number, word in enumerate(words):
        if word.startswith(flag + "="):
            yield word.split("=", 1)[1]
        elif word == flag and number + 1 < len(words):
            yield words[number + 1]


def environment(workload: Item) -> dict[str, str]:
    """Literal environment variables of all containers (references to ConfigMaps are not followed)."""
    return {
        str(entry["name"]): str(entry["value"])
        for container in containers(workload)
        for entry in container.get("env") or []
        if "value" in entry
    }
