# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which generations of link keys each cluster holds: what it has, and for a new one what the others have."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from ..facts.owned import keys_of
from ..facts.types import ClusterFacts, Owned
from ..model.types import ClusterModel

FIRST = (0,)


def key_generations(models: Sequence[ClusterModel], facts: Mapping[str, ClusterFacts]) -> Mapping[str, tuple[int, ...]]:
    """Cluster id -> generations, oldest first. Only a rotation changes what a cluster holds; a plan keeps it."""
    held = {model.cluster_id: _held(facts[model.host].owned) for model in models}
    told = [set(numbers) for numbers in held.values() if numbers]
    told += [numbers for model in models for numbers in _of_absent(facts[model.host].owned, held)]
    newcomer = _common(told)
    return {cluster_id: numbers or newcomer for cluster_id, numbers in held.items()}


def _held(owned: Owned) -> tuple[int, ...]:
    if owned.index is None:
        return ()
    return owned.key_generations or FIRST


def _of_absent(owned: Owned, present: Collection[str]) -> list[set[int]]:
    """What is known of clusters that do not answer now, from their keys in the others."""
    found = [_of_peer(spec) for name, spec in owned.peer_specs.items() if name not in present]
    return [numbers for numbers in found if numbers]


def peer_generations(owned: Owned, away: Collection[str]) -> tuple[int, ...]:
    """Generations of the keys that a cluster knows of its peers, but for those that are away."""
    specs = [spec for name, spec in owned.peer_specs.items() if name not in away]
    return tuple(sorted(set().union(*map(_of_peer, specs))))


def _of_peer(spec: Mapping[str, Any]) -> set[int]:
    return {key.generation for row in spec.get("gateways") or () for key in keys_of(row)}


def _common(told: Sequence[set[int]]) -> tuple[int, ...]:
    """What all hold, so that a newcomer has a link with each; if there is no such generation, the newest."""
    if not told:
        return FIRST
    common = set.intersection(*told)
    return tuple(sorted(common)) or (max(set.union(*told)),)
