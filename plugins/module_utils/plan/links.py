# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The links of the clusters that take part: numbers, MTU, next hops, and what people should know of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations

from ..model.link_wishes import ENCRYPTED
from ..model.types import ClusterModel, LinkWish
from . import families
from .types import ClusterPlan, LinkPlan, TransitPlan, by_pair
from .ways import Ends, Ways, ends

OVERHEAD: Mapping[str, int] = {"wireguard": 80, "vxlan": 50, "direct": 0}
"""Bytes that each driver adds to a packet; WireGuard with an IPv6 underlay, 60 with IPv4."""


def plan_links(clusters: Sequence[ClusterPlan], models: Sequence[ClusterModel], ways: Ways) -> tuple[LinkPlan, ...]:
    """The links of each pair of ``clusters``."""
    ids = {model.host: model.cluster_id for model in models}
    return tuple(
        link
        for a, b in combinations(clusters, 2)
        for link in _pair(a, b, ways.get(ends(a.cluster_id, b.cluster_id), ()), ids)
    )


def _pair(a: ClusterPlan, b: ClusterPlan, wishes: Sequence[LinkWish], ids: Mapping[str, str]) -> Iterator[LinkPlan]:
    underlay = min(a.underlay_mtu, b.underlay_mtu)
    mtu = min((wish.mtu or underlay - OVERHEAD[wish.driver] for wish in wishes), default=0)
    here = {a.cluster_id, b.cluster_id}
    for number, wish in enumerate(wishes):
        hops, hops6 = (
            {ids[host]: address for host, address in given if ids[host] in here}
            for given in (wish.next_hops, wish.next_hops6)
        )
        encrypted, ways6 = wish.driver in ENCRYPTED, hops6 if hops6.keys() == here else {}
        yield LinkPlan(a.cluster_id, b.cluster_id, number, wish.driver, wish.cost, mtu, encrypted, hops, ways6)


def plan_transits(
    clusters: Sequence[ClusterPlan], links: Sequence[LinkPlan], through: Mapping[Ends, str]
) -> tuple[TransitPlan, ...]:
    """The ways of pairs without links; one through a cluster that does not answer now stays, if both ends know it."""
    found, known = [], by_pair(links)
    for a, b in combinations(clusters, 2):
        via = through.get((a.cluster_id, b.cluster_id))
        legs = [_leg(end, via, known.get(frozenset((end.cluster_id, via)), ())) for end in (a, b)] if via else []
        if via and all(legs):
            mtu = min(mtu for leg in legs for mtu, _encrypted in leg)
            encrypted = all(encrypted for leg in legs for _mtu, encrypted in leg)
            found.append(TransitPlan(a.cluster_id, b.cluster_id, via, mtu, encrypted))
    return tuple(found)


def _leg(end: ClusterPlan, via: str, links: Sequence[LinkPlan]) -> list[tuple[int, bool]]:
    """MTU and encryption of each of the ``links`` between a cluster and the one in the middle."""
    ours = [(link.mtu, link.encrypted) for link in links]
    kept = next((peer for peer in end.kept_peers if peer["clusterID"] == via), {})
    return ours or [(int(row["mtu"]), row["driver"] in ENCRYPTED) for row in kept.get("links") or ()]


def plan_apart(
    clusters: Sequence[ClusterPlan], links: Sequence[LinkPlan], transits: Sequence[TransitPlan]
) -> tuple[Ends, ...]:
    """Pairs that have no way at all."""
    joined = {(link.a, link.b) for link in links} | {(way.a, way.b) for way in transits}
    found = ((a.cluster_id, b.cluster_id) for a, b in combinations(clusters, 2))
    return tuple(pair for pair in found if pair not in joined)


def notes(
    clusters: Sequence[ClusterPlan],
    links: Sequence[LinkPlan],
    transits: Sequence[TransitPlan],
    apart: Sequence[Ends],
) -> tuple[str, ...]:
    """What works, and is worth a second look."""
    hosts = {cluster.cluster_id: cluster.host for cluster in clusters}
    found, known = [], by_pair(links)
    for link in links:
        pair = f"{hosts[link.a]} and {hosts[link.b]}"
        if not link.encrypted:
            found.append(f"{pair}: packets pass unencrypted on their {link.driver} link")
        bare = [hosts[end] for end in (link.a, link.b) if end not in link.next_hops]
        if link.driver == "direct" and bare:
            where = " and ".join(bare)
            found.append(f"{pair}: no next hop for {where}: the gateways must be in one layer-2 network")
    found += families.notes(clusters, links, transits)
    for a, b in combinations(clusters, 2):
        if _keyless(a, b, known.get(frozenset((a.cluster_id, b.cluster_id)), ())):
            found.append(_strangers(a, b))
    found += [
        f"{hosts[a]} and {hosts[b]} are not connected: no link of their own, no transit cluster" for a, b in apart
    ]
    return tuple(found)


def _keyless(a: ClusterPlan, b: ClusterPlan, links: Sequence[LinkPlan]) -> bool:
    """Whether one of the ``links`` of two clusters needs keys, and they have no generation of them in common."""
    needed = any(link.driver in ENCRYPTED for link in links)
    return needed and not set(a.key_generations) & set(b.key_generations)


def _strangers(a: ClusterPlan, b: ClusterPlan) -> str:
    held = f"{a.host}: {_numbers(a)}, {b.host}: {_numbers(b)}"
    return f"{a.host} and {b.host} hold no generation of keys in common ({held}): run the playbook rotate"


def _numbers(cluster: ClusterPlan) -> str:
    return " and ".join(map(str, cluster.key_generations))
