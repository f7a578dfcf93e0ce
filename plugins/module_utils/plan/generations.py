# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which generations of link keys each cluster holds: what it has, and for a new one what the others have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..facts.owned import keys_of
from ..facts.types import ClusterFacts, Owned
from ..model.types import ClusterModel

FIRST = (0,)


def key_generations(models: Sequence[ClusterModel], facts: Mapping[str, ClusterFacts]) -> Mapping[str, tuple[int, ...]]:
    """Cluster id -> generations, oldest first. Only a rotation changes what a cluster holds; a plan keeps it."""
    held = {model.cluster_id: _held(facts[model.host].owned) for model in models}
    told = [set(numbers) for numbers in held.values() if numbers]
    told += [numbers for model in models for numbers in _of_peers(facts[model.host].owned, held)]
    newcomer = _common(told)
    return {cluster_id: numbers or newcomer for cluster_id, numbers in held.items()}


def _held(owned: Owned) -> tuple[int, ...]:
    if owned.index is None:
        return ()
    return owned.key_generations or FIRST


def _of_peers(owned: Owned, present: Mapping[str, object]) -> list[set[int]]:
    """What is known of clusters that do not answer now, from their keys in the others."""
    rows = [row for name, spec in owned.peer_specs.items() if name not in present for row in spec.get("gateways") or ()]
    return [found for row in rows if (found := {key.generation for key in keys_of(row)})]


def _common(told: Sequence[set[int]]) -> tuple[int, ...]:
    """What all hold, so that a newcomer has a link with each; if there is no such generation, the newest."""
    if not told:
        return FIRST
    common = set.intersection(*told)
    return tuple(sorted(common)) or (max(set.union(*told)),)
