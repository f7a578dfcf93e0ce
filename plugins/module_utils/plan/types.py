# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan: everything a run will do, as plain values that survive a trip through JSON."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from ..model.types import ManifestSource


@dataclass(frozen=True)
class GatewayPlan:
    """A gateway of a cluster; key and tunnel address are empty until its agent has published them."""

    node: str
    ordinal: int
    endpoint: str
    public_key: str = ""
    tunnel_address: str = ""


@dataclass(frozen=True)
class PluginPlan:
    """What happens to a cluster's network plugin; ``action`` is install or adopt."""

    name: str
    action: str
    version: str = ""
    manifest: ManifestSource | None = None


@dataclass(frozen=True)
class ClusterPlan:
    """One cluster's target state. Ranges are CIDR strings, MTUs bytes, ``deadline`` seconds."""

    host: str
    cluster_id: str
    kubernetes: str
    index: int
    pod_cidrs: tuple[str, ...]
    service_cidrs: tuple[str, ...]
    tunnel_cidr: str
    underlay_mtu: int
    plugin: PluginPlan
    gateways: tuple[GatewayPlan, ...]
    agent_image: str
    port_base: int
    deadline: int
    kept_peers: tuple[Mapping[str, Any], ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def ready_for_peers(self) -> bool:
        """True when every gateway's key and tunnel address are known."""
        return all(gateway.public_key and gateway.tunnel_address for gateway in self.gateways)


@dataclass(frozen=True)
class LinkPlan:
    """The connection between two clusters, named by their ids in alphabetical order."""

    a: str
    b: str
    driver: str
    mtu: int
    encrypted: bool


@dataclass(frozen=True)
class Plan:
    """All clusters and links, sorted by cluster id."""

    clusterset: str
    clusters: tuple[ClusterPlan, ...] = ()
    links: tuple[LinkPlan, ...] = ()
    absent: Mapping[str, str] = field(default_factory=dict)  # host -> why it takes no part, beginning with its name

    def cluster(self, host: str) -> ClusterPlan:
        """The plan of one inventory host; KeyError if it takes no part."""
        return {cluster.host: cluster for cluster in self.clusters}[host]

    def to_json(self) -> str:
        """Canonical JSON: the same plan gives the same bytes."""
        return json.dumps(asdict(self), sort_keys=True, separators=(",", ":"))

    @property
    def digest(self) -> str:
        """SHA-256 of the canonical JSON, in hex."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()


def plan_from_json(text: str) -> Plan:
    """The inverse of :meth:`Plan.to_json`."""
    raw = json.loads(text)
    return Plan(
        clusterset=raw["clusterset"],
        clusters=tuple(_cluster(item) for item in raw["clusters"]),
        links=tuple(LinkPlan(**item) for item in raw["links"]),
        absent=raw["absent"],
    )


def _cluster(raw: dict[str, Any]) -> ClusterPlan:
    plugin = dict(raw["plugin"])
    if plugin["manifest"]:
        plugin["manifest"] = ManifestSource(**plugin["manifest"])
    lists = {key: tuple(raw[key]) for key in ("pod_cidrs", "service_cidrs", "kept_peers", "notes")}
    gateways = tuple(GatewayPlan(**item) for item in raw["gateways"])
    return ClusterPlan(**{**raw, **lists, "plugin": PluginPlan(**plugin), "gateways": gateways})
