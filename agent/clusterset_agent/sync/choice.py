# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which nodes are this cluster's gateways: the plan's own rule, applied anew when nodes come and go. Pure functions."""

from __future__ import annotations

import ipaddress
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from .names import Object

ENDPOINT = "fabric.clusterset.io/endpoint"
MOST_ORDINALS = 16
_ZONE = "topology.kubernetes.io/zone"
_CONTROL_PLANE = ("node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master")
# taints that come and go with a node's condition; the others are there because somebody wants them
_PASSING = ("node.kubernetes.io/", "node.cloudprovider.kubernetes.io/")


@dataclass(frozen=True)
class Candidate:
    """A node. ``takes_pods``: ordinary pods may start on it; ``endpoint``: IPv4 address for peers, "" for none."""

    name: str
    endpoint: str = ""
    ready: bool = True
    control_plane: bool = False
    takes_pods: bool = True
    zone: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)


def slim(node: Object) -> Object:
    """Return what :func:`candidate` looks at, since a Node object is large."""
    metadata, spec, status = node["metadata"], node.get("spec") or {}, node.get("status") or {}
    notes = metadata.get("annotations") or {}
    return {
        "metadata": {
            "name": metadata["name"],
            "labels": metadata.get("labels") or {},
            "annotations": {ENDPOINT: notes[ENDPOINT]} if ENDPOINT in notes else {},
        },
        "spec": {"unschedulable": spec.get("unschedulable"), "taints": spec.get("taints") or []},
        "status": {
            "addresses": status.get("addresses") or [],
            "conditions": [
                {"type": each["type"], "status": each.get("status")}
                for each in status.get("conditions") or ()
                if each.get("type") == "Ready"
            ],
        },
    }


def candidate(node: Object) -> Candidate:
    """Read a Node object."""
    metadata, spec, status = node["metadata"], node.get("spec") or {}, node.get("status") or {}
    labels = metadata.get("labels") or {}
    ready = any(each.get("type") == "Ready" and each.get("status") == "True" for each in status.get("conditions") or ())
    return Candidate(
        name=metadata["name"],
        endpoint=_endpoint(metadata.get("annotations") or {}, status.get("addresses") or []),
        ready=ready,
        control_plane=any(label in labels for label in _CONTROL_PLANE),
        takes_pods=not spec.get("unschedulable") and not any(map(_repels, spec.get("taints") or ())),
        zone=labels.get(_ZONE, ""),
        labels=labels,
    )


def _repels(taint: Object) -> bool:
    return taint.get("effect") != "PreferNoSchedule" and not str(taint.get("key", "")).startswith(_PASSING)


def _endpoint(notes: Mapping[str, str], addresses: Sequence[Object]) -> str:
    """What the annotation says, else the first internal IPv4 address, else the first external one."""
    if notes.get(ENDPOINT):
        return _ipv4(notes[ENDPOINT])
    found = [_ipv4(row["address"]) for kind in ("InternalIP", "ExternalIP") for row in addresses if row["type"] == kind]
    return next(filter(None, found), "")


def _ipv4(text: str) -> str:
    try:
        return str(ipaddress.IPv4Address(text))
    except ValueError:
        return ""


def choose(
    rule: Object,
    office: Sequence[Object],
    nodes: Mapping[str, Candidate],
    overdue: Collection[str],
    taken: Mapping[str, int],
    linked: Collection[str],
) -> list[Object]:
    """Return the rows of gateways, by ordinal: those in office as long as they are fit, others in place of the rest.

    Who is replaced and still there leaves only when all the others have links: what it carries is not cut off.

    :param rule: ``gatewayChoice`` of the Fabric. :param office: the rows of now.
    :param overdue: nodes in office that have not been ready for too long; the others count as ready.
    :param taken: ordinals of Gateway objects, by node: peers may still have links to those that are leaving.
    :param linked: nodes with a link that is up.
    """
    before = {row["node"]: row for row in office}
    endpoints = {name: (rule.get("endpoints") or {}).get(name) or node.endpoint for name, node in nodes.items()}
    chosen = list(before)
    if rule.get("count") and nodes:
        reachable = {name: node for name, node in nodes.items() if endpoints[name] or name in before}
        chosen = _elect(rule, before, reachable, overdue)
        if not set(chosen) <= set(linked):
            chosen += [name for name in before if name in nodes and name not in chosen]
    ordinals = {name: int(before[name]["ordinal"]) for name in chosen if name in before}
    used = {int(row["ordinal"]) for row in office} | {number for name, number in taken.items() if name not in chosen}
    free = [number for number in range(MOST_ORDINALS) if number not in used]
    newcomers = [name for name in chosen if name not in before]
    ordinals |= dict(zip(newcomers, free, strict=False))
    rows = [
        {"node": name, "ordinal": number, "endpoint": endpoints.get(name) or before.get(name, {}).get("endpoint", "")}
        for name, number in ordinals.items()
    ]
    return sorted(rows, key=lambda row: int(row["ordinal"])) or list(office)


def _elect(
    rule: Object, office: Mapping[str, Object], nodes: Mapping[str, Candidate], overdue: Collection[str]
) -> list[str]:
    """The greedy choice of the plan: whoever is fit, in office, no control plane, in the emptiest zone."""
    labels = (rule.get("labels") or {}).items()
    rest = [
        node
        for node in nodes.values()
        if (labels <= node.labels.items() if labels else node.takes_pods or node.control_plane or node.name in office)
    ]
    per_zone: Counter[str] = Counter()
    elected: list[str] = []
    while rest and len(elected) < int(rule["count"]):
        best = min(
            rest,
            key=lambda node: (
                node.name in overdue if node.name in office else not node.ready,
                node.name not in office,
                node.control_plane,
                per_zone[node.zone],
                node.name,
            ),
        )
        rest.remove(best)
        per_zone[best.zone] += 1
        elected.append(best.name)
    return elected
