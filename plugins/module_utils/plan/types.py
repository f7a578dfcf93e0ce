# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan: everything a run will do, as plain values that survive a trip through JSON."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any

from ..facts.types import LinkKey
from ..model.types import ExportWish, ManifestSource, PodSelector


@dataclass(frozen=True)
class GatewayPlan:
    """A gateway of a cluster; keys and tunnel address are empty until its agent has published them."""

    node: str
    ordinal: int
    endpoint: str
    keys: tuple[LinkKey, ...] = ()  # oldest generation first
    tunnel_address: str = ""


@dataclass(frozen=True)
class GatewayChoice:
    """How gateways are chosen anew when nodes come and go; ``count`` 0: they are named in the inventory.

    :ivar labels: of the nodes that may be chosen; none: any node. :ivar endpoints: node -> address for peers.
    """

    count: int = 0
    labels: Mapping[str, str] = field(default_factory=dict)
    endpoints: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class PluginPlan:
    """What happens to a cluster's network plugin; ``action`` is install or adopt."""

    name: str
    action: str
    version: str = ""
    manifest: ManifestSource | None = None


@dataclass(frozen=True)
class ServicesPlan:
    """What becomes of services across clusters in one cluster; ``action`` is on, off, or remove where they were on.

    :ivar dns: corefile (names are answered by the cluster's own CoreDNS), stub (by ours), or why not.
    :ivar dns_image: of our own CoreDNS.
    :ivar api_endpoint: host:port for peers' sync parts; "" = the API server's Service, through the links.
    :ivar peer_timeout: seconds. :ivar token_hours: life of the token by which this cluster reads a peer.
    """

    action: str = "off"
    dns: str = "off"
    dns_image: str = ""
    api_endpoint: str = ""
    peer_timeout: int = 5
    token_hours: int = 24
    exports: tuple[ExportWish, ...] = ()

    @property
    def on(self) -> bool:
        """Whether the cluster exports and imports services."""
        return self.action == "on"


@dataclass(frozen=True)
class PolicyPlan:
    """One policy; fields as in PolicyWish, but that clusters are ids, all of them written out."""

    name: str
    source: PodSelector
    target: PodSelector
    ports: tuple[str, ...]
    order: int
    action: str


@dataclass(frozen=True)
class ClusterPlan:
    """One cluster's target state. Ranges are CIDR strings, MTUs bytes, ``deadline`` seconds, times RFC 3339.

    :ivar behind_nat: peers are not told the gateways' endpoints, since they could not call them.
    :ivar key_generations: of link keys that each gateway holds, oldest first; one or two.
    :ivar keys_since: when the newest generation was introduced; "" = when the cluster joined.
    :ivar joined: when the cluster joined; "" = it is about to.
    :ivar fenced: id and number of each cluster that it is to know nothing of, but that it keeps a number for.
    :ivar peer_generations: of the keys that it knows of its peers now, but for those that do not answer.
    :ivar policies: on (policies between clusters are enforced), off, or remove where they were on.
    """

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
    behind_nat: bool = False
    transit: bool = False
    key_generations: tuple[int, ...] = (0,)
    keys_since: str = ""
    joined: str = ""
    peer_generations: tuple[int, ...] = ()
    kept_peers: tuple[Mapping[str, Any], ...] = ()
    fenced: tuple[tuple[str, int], ...] = ()
    services: ServicesPlan = field(default_factory=ServicesPlan)
    choice: GatewayChoice = field(default_factory=GatewayChoice)
    policies: str = "off"
    notes: tuple[str, ...] = ()

    @property
    def ready_for_peers(self) -> bool:
        """True when every gateway's tunnel address, and its key of each generation, are known."""
        wanted = set(self.key_generations)
        return all(
            gateway.tunnel_address and wanted <= {key.generation for key in gateway.keys} for gateway in self.gateways
        )


@dataclass(frozen=True)
class LinkPlan:
    """One link of two clusters, named by their ids in alphabetical order.

    :ivar number: 0 or 1, its place in the list of the pair's links, which is ordered by cost.
    :ivar mtu: bytes; the same for all links of the pair, so that a failover never meets a smaller one.
    :ivar next_hops: direct only: cluster id -> router that this cluster's gateways hand packets to. ``next_hops6``:
        the same for IPv6; for both ends or none.
    """

    a: str
    b: str
    number: int
    driver: str
    cost: int
    mtu: int
    encrypted: bool
    next_hops: Mapping[str, str] = field(default_factory=dict)
    next_hops6: Mapping[str, str] = field(default_factory=dict)


def by_pair(links: Iterable[LinkPlan]) -> dict[frozenset[str], tuple[LinkPlan, ...]]:
    """The links of each pair of cluster ids, in their order: who looks for one pair need not go through all links."""
    found: dict[frozenset[str], list[LinkPlan]] = {}
    for link in links:
        found.setdefault(frozenset((link.a, link.b)), []).append(link)
    return {pair: tuple(rows) for pair, rows in found.items()}


@dataclass(frozen=True)
class TransitPlan:
    """Two clusters without a link of their own, and the id of the cluster through which they reach each other."""

    a: str
    b: str
    via: str
    mtu: int
    encrypted: bool


@dataclass(frozen=True)
class Plan:
    """All clusters, links and ways by transit, sorted by cluster id; ``apart`` are pairs of ids without any way.

    ``policies`` are in the order in which they decide, and ``policy_default`` is allow or deny for what none names.
    """

    clusterset: str
    clusters: tuple[ClusterPlan, ...] = ()
    links: tuple[LinkPlan, ...] = ()
    transits: tuple[TransitPlan, ...] = ()
    apart: tuple[tuple[str, str], ...] = ()
    policies: tuple[PolicyPlan, ...] = ()
    policy_default: str = "allow"
    notes: tuple[str, ...] = ()
    absent: Mapping[str, str] = field(default_factory=dict)  # host -> why it takes no part, beginning with its name

    def cluster(self, host: str) -> ClusterPlan:
        """The plan of one inventory host; KeyError if it takes no part."""
        return {cluster.host: cluster for cluster in self.clusters}[host]

    def links_of(self, a: str, b: str) -> tuple[LinkPlan, ...]:
        """The links of two clusters, by id, in the order of their numbers."""
        return self._pairs.get(frozenset((a, b)), ())

    def via(self, a: str, b: str) -> str:
        """Id of the cluster through which two clusters, by id, reach each other; "" if there is none."""
        return self._vias.get(frozenset((a, b)), "")

    @cached_property
    def _pairs(self) -> Mapping[frozenset[str], tuple[LinkPlan, ...]]:
        return by_pair(self.links)

    @cached_property
    def _vias(self) -> Mapping[frozenset[str], str]:
        return {frozenset((each.a, each.b)): each.via for each in self.transits}

    def to_json(self) -> str:
        """Canonical JSON: the same plan gives the same bytes."""
        return json.dumps(asdict(self), sort_keys=True, separators=(",", ":"))

    @property
    def digest(self) -> str:
        """SHA-256 of the canonical JSON, in hex."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()


_LISTS = ("pod_cidrs", "service_cidrs", "key_generations", "peer_generations", "kept_peers", "notes")


def plan_from_json(text: str) -> Plan:
    """The inverse of :meth:`Plan.to_json`."""
    raw = json.loads(text)
    return Plan(
        clusterset=raw["clusterset"],
        clusters=tuple(_cluster(item) for item in raw["clusters"]),
        links=tuple(LinkPlan(**item) for item in raw["links"]),
        transits=tuple(TransitPlan(**item) for item in raw["transits"]),
        apart=tuple((a, b) for a, b in raw["apart"]),
        policies=tuple(_policy(item) for item in raw["policies"]),
        policy_default=raw["policy_default"],
        notes=tuple(raw["notes"]),
        absent=raw["absent"],
    )


def _cluster(raw: dict[str, Any]) -> ClusterPlan:
    plugin = dict(raw["plugin"])
    if plugin["manifest"]:
        plugin["manifest"] = ManifestSource(**plugin["manifest"])
    lists = {key: tuple(raw[key]) for key in _LISTS} | {
        "fenced": tuple((name, number) for name, number in raw["fenced"])
    }
    made = {
        "plugin": PluginPlan(**plugin),
        "gateways": tuple(_gateway(item) for item in raw["gateways"]),
        "services": _services(raw["services"]),
        "choice": GatewayChoice(**raw["choice"]),
    }
    return ClusterPlan(**{**raw, **lists, **made})


def _services(raw: dict[str, Any]) -> ServicesPlan:
    exports = (ExportWish(**{**each, "labels": tuple((k, v) for k, v in each["labels"])}) for each in raw["exports"])
    return ServicesPlan(**{**raw, "exports": tuple(exports)})


def _gateway(raw: dict[str, Any]) -> GatewayPlan:
    return GatewayPlan(**{**raw, "keys": tuple(LinkKey(**key) for key in raw["keys"])})


def _policy(raw: dict[str, Any]) -> PolicyPlan:
    ends = {side: _selector(raw[side]) for side in ("source", "target")}
    return PolicyPlan(**{**raw, **ends, "ports": tuple(raw["ports"])})


def _selector(raw: dict[str, Any]) -> PodSelector:
    lists = {key: tuple(raw[key]) for key in ("namespaces", "clusters")}
    return PodSelector(**{**raw, **lists, "labels": tuple((key, value) for key, value in raw["labels"])})
