# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nodes and the kind of cluster they make up."""

from __future__ import annotations

from typing import Any

from .raw import Item, Raw, dig, labels_of, name_of
from .types import Node

ENDPOINT = "fabric.clusterset.io/endpoint"
DRAIN = "fabric.clusterset.io/drain"
ZONE = "topology.kubernetes.io/zone"
CONTROL_PLANE = ("node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master")
# Taints that come and go with a node's condition; the others are there because somebody wants them.
_PASSING = ("node.kubernetes.io/", "node.cloudprovider.kubernetes.io/")


def nodes(raw: Raw) -> tuple[Node, ...]:
    """All nodes, by name."""
    return tuple(sorted((_node(item) for item in raw.nodes), key=lambda node: node.name))


def _node(item: Item) -> Node:
    spec, status, labels = item.get("spec") or {}, item.get("status") or {}, labels_of(item)
    addresses = status.get("addresses") or []
    notes = dig(item, "metadata", "annotations") or {}
    return Node(
        name=name_of(item),
        internal=_addresses(addresses, "InternalIP"),
        external=_addresses(addresses, "ExternalIP"),
        pod_cidrs=tuple(spec.get("podCIDRs") or ([spec["podCIDR"]] if spec.get("podCIDR") else [])),
        labels=dict(labels),
        ready=condition(item, "Ready"),
        control_plane=any(label in labels for label in CONTROL_PLANE),
        zone=labels.get(ZONE, ""),
        schedulable=not spec.get("unschedulable") and not any(map(_repels, spec.get("taints") or [])),
        cordoned=bool(spec.get("unschedulable")),
        endpoint=str(notes.get(ENDPOINT) or ""),
        draining=notes.get(DRAIN) == "true",
    )


def _addresses(addresses: list[dict[str, Any]], kind: str) -> tuple[str, ...]:
    return tuple(str(entry["address"]) for entry in addresses if entry.get("type") == kind)


def _repels(taint: dict[str, Any]) -> bool:
    """Whether a lasting taint keeps ordinary pods away."""
    return taint.get("effect") != "PreferNoSchedule" and not str(taint.get("key", "")).startswith(_PASSING)


def condition(item: Item, kind: str) -> bool:
    """Whether a status condition of an object is "True"."""
    conditions = dig(item, "status", "conditions") or []
    return any(entry.get("type") == kind and entry.get("status") == "True" for entry in conditions)


def flavour(raw: Raw) -> str:
    """Who made this cluster: kind, kubeadm, k3s, openshift, eks, gke, aks or unknown."""
    version = str(raw.version.get("gitVersion", ""))
    labels = {label for item in raw.nodes for label in labels_of(item)}
    providers = {str(dig(item, "spec", "providerID") or "").partition(":")[0] for item in raw.nodes}
    signs = (
        ("openshift", "clusterversions.config.openshift.io" in raw.crds),
        ("kind", "kind" in providers),
        ("k3s", "+k3s" in version),
        ("eks", "-eks-" in version or "eks.amazonaws.com/nodegroup" in labels),
        ("gke", "-gke." in version or "cloud.google.com/gke-nodepool" in labels),
        ("aks", "kubernetes.azure.com/cluster" in labels),
        ("kubeadm", bool(raw.config("kubeadm-config"))),
    )
    return next((name for name, present in signs if present), "unknown")
