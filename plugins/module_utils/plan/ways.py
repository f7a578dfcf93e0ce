# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is linked with whom, as the inventory says it: links of a pair's own, a way through a third cluster, or none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from itertools import combinations

from ..model.types import ClusterModel, LinkWish

Ends = tuple[str, str]
"""Two cluster ids in alphabetical order."""
Ways = Mapping[Ends, tuple[LinkWish, ...]]
"""The links of each pair that has some, in the order of their numbers."""


def ends(a: str, b: str) -> Ends:
    """Two cluster ids, or two hosts, as they name a pair."""
    return (a, b) if a < b else (b, a)


def pairs(models: Sequence[ClusterModel]) -> Iterator[tuple[ClusterModel, ClusterModel]]:
    """Every pair of clusters, by id."""
    return combinations(sorted(models, key=lambda model: model.cluster_id), 2)


def own_links(models: Sequence[ClusterModel]) -> Ways:
    """The links of each pair: those of the matching entries, by cost then place; without entries one for each pair."""
    found = {(a.cluster_id, b.cluster_id): _between(a, b) for a, b in pairs(models)}
    return {pair: wishes for pair, wishes in found.items() if wishes}


def _between(a: ClusterModel, b: ClusterModel) -> tuple[LinkWish, ...]:
    if not a.links:
        return (LinkWish(driver=a.link_driver),)
    return tuple(sorted((wish for wish in a.links if matches(wish, a.host, b.host)), key=lambda wish: wish.cost))


def matches(wish: LinkWish, a: str, b: str) -> bool:
    """Whether an entry is for the pair of these hosts."""
    first, second = wish.between
    return any(fnmatchcase(x, first) and fnmatchcase(y, second) for x, y in ((a, b), (b, a)))


def transit(models: Sequence[ClusterModel], own: Ways) -> Mapping[Ends, str]:
    """For each pair without links: the transit cluster with links to both, the cheapest, then the first by id."""
    middles = [model.cluster_id for model in models if model.transit]
    found: dict[Ends, str] = {}
    for a, b in pairs(models):
        pair = (a.cluster_id, b.cluster_id)
        if pair in own:
            continue
        costs = [(cost, middle) for middle in middles if (cost := _cost(own, pair, middle)) is not None]
        if costs:
            found[pair] = min(costs)[1]
    return found


def _cost(own: Ways, pair: Ends, middle: str) -> int | None:
    """What the way through ``middle`` costs, None if it has no link to one of the two."""
    legs = [own.get(ends(end, middle)) for end in pair]
    return sum(leg[0].cost for leg in legs if leg) if all(legs) else None


def apart(models: Sequence[ClusterModel]) -> frozenset[Ends]:
    """The pairs of hosts, each in alphabetical order, that have no way to each other."""
    own = own_links(models)
    joined = {*own, *transit(models, own)}
    return frozenset(ends(a.host, b.host) for a, b in pairs(models) if (a.cluster_id, b.cluster_id) not in joined)
