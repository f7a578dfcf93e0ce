# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the rotation of link keys stands, and where it goes from there: pure functions.

The state is in the clusters alone: which generations of keys each of them holds. So a rotation that was cut off
anywhere is gone on with by the next one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from ..errors import FabricError
from .types import ClusterPlan, Plan

ROTATE, ROLLBACK, REVOKE = "rotate", "rollback", "revoke"
HOWS = (ROTATE, ROLLBACK, REVOKE)
BEGIN, RESUME, NOTHING = "begin", "resume", "nothing"


@dataclass(frozen=True)
class Rotation:
    """What to do. ``verb``: begin, resume, rollback, revoke or nothing; ``target``: the generation to end with."""

    verb: str
    target: int
    reason: str


def decide(plan: Plan, how: str, *, older_than: timedelta, now: datetime) -> Rotation:
    """Tell from what the clusters hold what is to be done.

    :param how: rotate, rollback or revoke.
    :param older_than: begin a rotation only if the oldest key is older; one that is under way is always gone on with.
    :raises FabricError: a rollback, and a cluster has given up the old generation already.
    """
    held = {cluster.host: cluster.key_generations for cluster in plan.clusters}
    if not held:
        return Rotation(NOTHING, 0, "no cluster takes part")
    highest = max(numbers[-1] for numbers in held.values())
    known = {number for cluster in plan.clusters for number in cluster.peer_generations}
    settled = set(held.values()) == {(highest,)} and known <= {highest}
    if how == ROLLBACK:
        return _rollback(held, highest, settled=settled)
    if how == REVOKE:
        target = highest + 1 if settled else highest
        return Rotation(REVOKE, target, f"generation {target} replaces every older one at once")
    if not settled:
        return Rotation(RESUME, highest, f"the rotation to generation {highest} is under way")
    return _begin(plan, highest, older_than, now)


def _begin(plan: Plan, highest: int, older_than: timedelta, now: datetime) -> Rotation:
    since = min(_time(cluster.keys_since or cluster.joined, now) for cluster in plan.clusters)
    if older_than > timedelta(0) and now - since <= older_than:
        reason = f"the oldest key is of {since:%Y-%m-%d}, which is not more than {older_than.days} days ago"
        return Rotation(NOTHING, highest, reason)
    return Rotation(BEGIN, highest + 1, f"generation {highest + 1} follows {highest}")


def _rollback(held: Mapping[str, tuple[int, ...]], highest: int, *, settled: bool) -> Rotation:
    if settled:
        return Rotation(NOTHING, highest, "no rotation is under way")
    done = sorted(host for host, numbers in held.items() if numbers == (highest,))
    if done:
        message = f"there is no way back to the old keys: {' and '.join(done)} only hold generation {highest}"
        raise FabricError(message, fix="finish the rotation by fabric_rotate: rotate")
    return Rotation(ROLLBACK, min(numbers[0] for numbers in held.values()), f"generation {highest} is given up")


def _time(text: str, now: datetime) -> datetime:
    """A time; one that nobody noted is as old as can be."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return datetime.min.replace(tzinfo=now.tzinfo)
    return found if found.tzinfo else found.replace(tzinfo=now.tzinfo)


def introduced(cluster: ClusterPlan, target: int, now: datetime) -> ClusterPlan:
    """The cluster with ``target`` beside the generation before it; older ones have no other end any more."""
    kept = [number for number in cluster.key_generations if number == target - 1]
    return _with(cluster, (*kept, target), now)


def only(cluster: ClusterPlan, target: int, now: datetime) -> ClusterPlan:
    """The cluster with ``target`` and no other generation."""
    return _with(cluster, (target,), now)


def rolled_back(cluster: ClusterPlan, target: int, _now: datetime) -> ClusterPlan:
    """The cluster as before the rotation. Since when it has these keys is not known any more: they count as old."""
    since = cluster.keys_since if cluster.key_generations == (target,) else ""
    return replace(cluster, key_generations=(target,), keys_since=since)


def _with(cluster: ClusterPlan, numbers: tuple[int, ...], now: datetime) -> ClusterPlan:
    new = numbers[-1] not in cluster.key_generations
    since = now.strftime("%Y-%m-%dT%H:%M:%SZ") if new else cluster.keys_since
    return replace(cluster, key_generations=numbers, keys_since=since)
