# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Model and facts in, plan out: a pure function, so the same input gives the same bytes."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from typing import Any

from ..errors import FabricError
from ..facts.types import ClusterFacts
from ..model.types import ClusterModel
from . import links as linking
from . import refuse, refuse_links, ways
from .families import refuse_families
from .gateways import choose_gateways, rule_of
from .generations import key_generations, peer_generations
from .plugin import BUNDLE, plan_plugin
from .policies import plan_policies, policies_action, policy_notes, refuse_policies
from .services import dns_note, plan_services
from .types import ClusterPlan, Plan

TUNNEL_PREFIX = 22  # 878 nodes a cluster; the last 144 addresses are for probes
MOST_CLUSTERS = 256  # a listen port is base + 16 * cluster index + ordinal
DEFAULT_UNDERLAY_MTU = 1500


class RefusedError(Exception):
    """The plan cannot be carried out; ``errors`` says why, each with its fix."""

    def __init__(self, errors: Sequence[FabricError]) -> None:
        super().__init__("\n".join(str(error) for error in errors))
        self.errors = tuple(errors)


def build_plan(
    models: Sequence[ClusterModel], facts: Mapping[str, ClusterFacts], absent: Mapping[str, str] | None = None
) -> Plan:
    """Compute the whole target state.

    :param models: every cluster of the set, also those whose API did not answer.
    :param facts: by host, of the clusters that answered.
    :param absent: host -> reason, of the clusters that did not; their share in the others stays as it is.
    :raises RefusedError: with every reason found, before anything is touched.
    """
    everyone = sorted(models, key=lambda model: model.cluster_id)
    models = [model for model in everyone if not model.fenced]
    _stop(refuse.refuse_models(everyone) + refuse_links.refuse_wishes(everyone) + refuse.refuse_facts(models, facts))
    _stop(refuse_policies(models))
    present = [model for model in models if model.host in facts]
    indexes = _indexes(models, facts)
    generations = key_generations(present, facts)
    errors: list[FabricError] = []
    clusters: list[ClusterPlan] = []
    away = {model.cluster_id for model in models if model.host not in facts}
    ids = [model.cluster_id for model in everyone if model.fenced]
    fenced = tuple((name, indexes[name]) for name in ids if name in indexes)
    for model in present:
        try:
            cluster = _cluster(model, facts[model.host], indexes[model.cluster_id], away, fenced)
            clusters.append(replace(cluster, key_generations=generations[model.cluster_id]))
        except FabricError as error:
            errors.append(error)
    _stop(errors)
    own = ways.own_links(models)
    links = linking.plan_links(clusters, everyone, own)
    transits = linking.plan_transits(clusters, links, ways.transit(models, own))
    apart = linking.plan_apart(clusters, links, transits)
    hosts = {cluster.cluster_id: cluster.host for cluster in clusters}
    _stop(refuse.refuse_ranges(clusters, facts) + refuse.refuse_gateways(clusters))
    _stop(refuse_links.refuse_mtu(links, hosts) + refuse_families(clusters, links))
    policies = plan_policies(models)
    return Plan(
        clusterset=models[0].clusterset if models else "",
        clusters=tuple(clusters),
        links=links,
        transits=transits,
        apart=apart,
        policies=policies,
        policy_default=models[0].policy_default if models else "allow",
        notes=(
            *_fences(everyone, absent or {}),
            *linking.notes(clusters, links, transits, apart),
            *policy_notes(policies, apart),
        ),
        absent=dict(absent or {}),
    )


def _stop(errors: Sequence[FabricError]) -> None:
    if errors:
        raise RefusedError(errors)


def _cluster(
    model: ClusterModel, facts: ClusterFacts, index: int, away: set[str], fenced: tuple[tuple[str, int], ...]
) -> ClusterPlan:
    return ClusterPlan(
        host=model.host,
        cluster_id=model.cluster_id,
        kubernetes=facts.version,
        index=index,
        pod_cidrs=model.pod_cidrs or facts.pod_cidrs,
        service_cidrs=model.service_cidrs or facts.service_cidrs,
        tunnel_cidr=_tunnel_cidr(model, index),
        underlay_mtu=model.underlay_mtu or facts.owned.underlay_mtu or DEFAULT_UNDERLAY_MTU,
        plugin=plan_plugin(model, facts),
        gateways=choose_gateways(model, facts),
        agent_image=model.agent_image,
        port_base=model.port_base,
        deadline=model.deadline,
        behind_nat=model.behind_nat,
        transit=model.transit,
        keys_since=facts.owned.keys_since,
        joined=facts.owned.joined,
        peer_generations=peer_generations(facts.owned, away | {name for name, _index in fenced}),
        kept_peers=_kept_peers(facts, away),
        fenced=fenced,
        services=plan_services(model, facts),
        choice=rule_of(model),
        policies=policies_action(model, facts),
        notes=_notes(model, facts),
    )


def _tunnel_cidr(model: ClusterModel, index: int) -> str:
    """The index-th /22 of the tunnel range."""
    whole = ipaddress.ip_network(model.tunnel_range, strict=False)
    size = 2 ** (32 - TUNNEL_PREFIX)
    first = int(whole.network_address) + index * size
    if whole.version != 4 or first + size - 1 > int(whole.broadcast_address):
        fix = f"widen fabric_tunnel_range: each cluster takes a /{TUNNEL_PREFIX} of it"
        raise FabricError(
            f"fabric_tunnel_range {model.tunnel_range} has no room for cluster number {index}",
            cluster=model.host,
            fix=fix,
        )
    return str(ipaddress.ip_network((first, TUNNEL_PREFIX)))


def _indexes(models: Sequence[ClusterModel], facts: Mapping[str, ClusterFacts]) -> dict[str, int]:
    """Whoever has an index keeps it, and what peers remember of an absent cluster stays reserved."""
    known: dict[str, int] = {}
    for model in models:
        owned = facts[model.host].owned if model.host in facts else None
        if owned and owned.index is not None:
            known[model.cluster_id] = owned.index
    for fact in facts.values():
        for name, spec in fact.owned.peer_specs.items():
            known.setdefault(name, int(spec["index"]))
        for name, index in fact.owned.fenced.items():
            known.setdefault(name, index)
    _stop(_twice(known))
    free = (number for number in range(MOST_CLUSTERS) if number not in set(known.values()))
    for model in models:
        if model.cluster_id not in known:
            known[model.cluster_id] = next(free)
    return known


def _twice(known: Mapping[str, int]) -> list[FabricError]:
    return [
        FabricError(
            f"{a} and {b} both hold cluster number {known[a]} from earlier joins", fix=f"let {b} leave and join again"
        )
        for a, b in combinations(sorted(known), 2)
        if known[a] == known[b]
    ]


def _kept_peers(facts: ClusterFacts, away: set[str]) -> tuple[Mapping[str, Any], ...]:
    """Peers whose API does not answer now: their links go on as they are."""
    return tuple(dict(spec) for name, spec in sorted(facts.owned.peer_specs.items()) if name in away)


def _fences(models: Sequence[ClusterModel], absent: Mapping[str, str]) -> list[str]:
    """Who is fenced, and who cannot be told so now."""
    unaware = f", but for {' and '.join(sorted(absent))}" if absent else ""
    return [
        f"{model.host} is fenced: nothing of it stays in the others{unaware}; fabric_state: active takes it back"
        for model in models
        if model.fenced
    ]


def _notes(model: ClusterModel, facts: ClusterFacts) -> tuple[str, ...]:
    notes = [f"sources disagree on {item.subject}" for item in facts.disagreements]
    if model.network_plugin == facts.plugin.name and BUNDLE not in facts.owned.bundles:
        state = "it runs already" if facts.plugin.ready else "it is there already, but not all of its pods are ready"
        notes.append(f"{facts.plugin.name} was not installed by us, and is adopted: {state}")
    notes += dns_note(model, facts)
    if facts.plugin.also:
        notes.append(f"more than one network plugin found: {', '.join((facts.plugin.name, *facts.plugin.also))}")
    return tuple(notes)
