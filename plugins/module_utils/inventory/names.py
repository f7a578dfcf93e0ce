# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Host names and cluster ids: valid, and each only once."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from .entries import fault
from .found import Found

HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._@-]*[A-Za-z0-9])?")
LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
MARKERS = ("{{", "{%")


def is_template(value: Any) -> bool:
    """Whether Ansible will render this string later, so that its value is not known yet."""
    return isinstance(value, str) and any(marker in value for marker in MARKERS)


def check_hosts(clusters: Iterable[Found], group: str) -> None:
    """Refuse host names that Ansible's patterns cannot name, and two clusters of one name."""
    seen: dict[str, Found] = {}
    for cluster in clusters:
        if not HOST.fullmatch(cluster.name) or cluster.name in (group, "all", "ungrouped"):
            fix = "give it a name: names: {context: name}, or strip_prefix"
            raise fault(cluster.place, f"'{cluster.name}' cannot be a host name.", fix)
        if cluster.name in seen:
            other = seen[cluster.name]
            both = f"two clusters are named '{cluster.name}': {other.source} of {other.place} and {cluster.source}."
            fix = "choose disjoint contexts, or rename one (names: {context: name}); variables belong under variables:"
            raise fault(cluster.place, both, fix)
        seen[cluster.name] = cluster


def check_ids(
    hosts: Mapping[str, Mapping[str, Any]], own: Mapping[str, Mapping[str, Any]], places: Mapping[str, str]
) -> None:
    """Refuse cluster ids that are no RFC 1123 label, and two clusters of one id.

    A template of the operator's is left to the plan; what a source found is never a template.
    """
    seen: dict[str, str] = {}
    for name, variables in hosts.items():
        cluster_id = variables["fabric_cluster_id"]
        if is_template(cluster_id) and cluster_id != own[name]["fabric_cluster_id"]:
            continue
        if not isinstance(cluster_id, str) or not LABEL.fullmatch(cluster_id):
            fix = "set fabric_cluster_id (lower-case letters, digits, '-', at most 63 characters), or rename the host"
            raise fault(places[name], f"'{cluster_id}', the cluster id of host {name}, is no RFC 1123 label.", fix)
        if cluster_id in seen:
            fix = "give one of them another fabric_cluster_id"
            raise fault(places[name], f"hosts {seen[cluster_id]} and {name} have one cluster id, '{cluster_id}'.", fix)
        seen[str(cluster_id)] = name
