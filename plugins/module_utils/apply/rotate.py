# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rotation of link keys over all clusters: the new generation beside the old, traffic moved, the old taken away.

Each step is the plan with other generations, applied as the links stage applies it, and then a wait for what the
agents say. So each can be repeated, and a run that was cut off is gone on with by the next one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from ..client.client import Client
from ..client.types import ClusterRef, Object
from ..errors import FabricError
from ..objects.links import expected_links, keyed
from ..plan.rotation import NOTHING, REVOKE, ROLLBACK, Rotation, decide, introduced, only, rolled_back
from ..plan.types import ClusterPlan, Plan
from .links import LinksStage
from .rendezvous import FIX, Overdue, State, Teller, identity, in_words, state_of, until
from .stage import Stage
from .types import Options, Progress

Change = Callable[[ClusterPlan, int, datetime], ClusterPlan]
Ends = tuple[str, str, str, int, int]
"""Node, peer, remote gateway, number and generation of a link."""


@dataclass
class Rotated:
    """What became of a rotation; ``complete`` is True once no other generation is left in any cluster."""

    decision: Rotation
    stage: Stage
    complete: bool = False
    notes: list[str] = field(default_factory=list)


async def rotate(
    plan: Plan,
    refs: Sequence[ClusterRef],
    how: str,
    options: Options,
    progress: Progress,
    *,
    older_than: timedelta,
    now: datetime,
) -> Rotated:
    """Rotate the keys of all links, roll a rotation back, or revoke the old keys.

    :param plan: as the preflight stage computed it; what the clusters hold is in it.
    :param refs: the clusters that may be touched; as long as another one is there, nobody gives up the old generation.
    :param how: rotate, rollback or revoke.
    :param older_than: begin a rotation only if the oldest key is older.
    :raises FabricError: before anything is touched: a rollback that comes too late.
    """
    decision = decide(plan, how, older_than=older_than, now=now)
    stage = LinksStage(plan, refs, options, progress)
    run = _Run(stage, decision, now)
    if decision.verb == NOTHING:
        run.done.complete = not run.away()
    elif decision.verb == REVOKE:
        await run.revoke()
    elif decision.verb == ROLLBACK:
        await run.roll_back()
    else:
        await run.rotate()
    return run.done


class _Run:
    """One rotation. The stage's plan says at each moment what the clusters are to hold."""

    def __init__(self, stage: LinksStage, decision: Rotation, now: datetime) -> None:
        self.stage, self.target, self.now = stage, decision.target, now
        self.done = Rotated(decision, stage)

    async def rotate(self) -> None:
        """Introduce, exchange, and retire if everybody has come along."""
        await self._hold(introduced)
        if self.stage.options.check:
            self._say(f"would then move the traffic to generation {self.target} and give up every other one")
            return
        await self._exchange()
        await self.stage.each(self._moved, self.stage.alive)
        if self._everybody("so the old generation is kept"):
            await self._hold(only)
            await self._clear()

    async def revoke(self) -> None:
        """Drop every other generation first: links are down until the new keys are known on both ends."""
        await self._hold(only)
        if self.stage.options.check:
            return
        await self._exchange()
        await self.stage.prove(self.stage.alive)
        await self._clear()
        self._everybody("and have no links by new keys until then")

    async def roll_back(self) -> None:
        """Give up the new generation."""
        await self._hold(rolled_back)
        if self.stage.options.check:
            return
        await self.stage.prove(self.stage.alive)
        await self._clear()
        self._everybody("and are as they were")

    def away(self) -> list[str]:
        """Clusters of the set that do not come along."""
        known = {cluster.host for cluster in self.stage.plan.clusters} | set(self.stage.plan.absent)
        return sorted(known - {ref.name for ref in self.stage.alive})

    async def _hold(self, change: Change) -> None:
        """Let the clusters hold other generations."""
        verb = "would hold" if self.stage.options.check else "holds"
        changed: dict[str, ClusterPlan] = {}
        for ref in self.stage.alive:
            before = self.stage.plan.cluster(ref.name)
            after = changed[ref.name] = change(before, self.target, self.now)
            if before.key_generations != after.key_generations:
                numbers, old = _numbers(after.key_generations), _numbers(before.key_generations)
                self.stage.progress(ref.name, f"{verb} generation {numbers} of the link keys (before: {old})")
        clusters = tuple(changed.get(cluster.host, cluster) for cluster in self.stage.plan.clusters)
        self.stage.plan = replace(self.stage.plan, clusters=clusters)
        await self.stage.put(self.stage.alive)

    async def _exchange(self) -> None:
        """Wait for the new keys, and let each cluster know those of the others."""
        await self.stage.learn_keys(self.stage.alive)
        self._say(f"learns its peers' keys of generation {self.target}")
        await self.stage.put(self.stage.alive)

    async def _clear(self) -> None:
        """Wait until nothing of another generation is left, neither keys nor links."""
        await self.stage.learn_keys(self.stage.alive)
        await self.stage.each(self._gone, self.stage.alive)
        self.done.complete = not self.away()

    async def _moved(self, client: Client) -> bool:
        """True once each link of the new generation is up, and no older one carries in its place.

        A standby carries nothing in either generation, so the silence of the old link counts.
        """
        wanted = self._links(client)
        say = Teller(client, self.stage.progress)

        def missing(found: State) -> list[str]:
            links = {identity(link): link for link in found.values()}
            carrying = {ends[:4] for ends, link in links.items() if ends[4] != self.target and _carries(link)}
            faults = [text for ends in sorted(wanted) if (text := _fault(ends, links.get(ends), carrying))]
            say(f"{len(wanted) - len(faults)} of {len(wanted)} links have moved to generation {self.target}")
            return faults

        await _wait(client, missing, f"not all links have moved to generation {self.target}")
        return True

    async def _gone(self, client: Client) -> bool:
        """True once no Link object of another generation is left between those that take part."""
        pairs = {ends[:4] for ends in self._links(client)}
        say = Teller(client, self.stage.progress)

        def missing(found: State) -> list[str]:
            ends = sorted(map(identity, found.values()))
            left = [in_words(each) for each in ends if each[:4] in pairs and each[4] != self.target]
            say(f"{len(left)} links of other generations are left" if left else f"generation {self.target} is alone")
            return left

        await _wait(client, missing, "links of other generations are still there")
        return True

    def _links(self, client: Client) -> set[Ends]:
        """The cluster's links of the target generation to those that take part."""
        cluster = self.stage.plan.cluster(client.ref.name)
        return {
            (*ends[:4], self.target)
            for peer in self.stage.peers(cluster)
            for ends in expected_links(cluster, peer)
            if ends[3] in keyed(peer)
        }

    def _everybody(self, otherwise: str) -> bool:
        away = self.away()
        if away:
            names = " and ".join(away)
            self.done.notes.append(f"{names} did not take part, {otherwise}: run rotate again when possible")
        return not away

    def _say(self, text: str) -> None:
        for ref in self.stage.alive:
            self.stage.progress(ref.name, text)


def _fault(ends: Ends, link: Object | None, carrying: set[tuple[str, str, str, int]]) -> str:
    """Why a link of the new generation does not count yet, or ""."""
    if link is None or state_of(link) != "Up":
        return f"{in_words(ends)} is {(link and state_of(link)) or 'not there'}"
    return f"{in_words(ends)} does not carry yet" if ends[:4] in carrying else ""


def _carries(link: Object) -> bool:
    return bool((link.get("status") or {}).get("carrying"))


async def _wait(client: Client, missing: Callable[[State], list[str]], text: str) -> None:
    try:
        await until(client, "links", missing)
    except Overdue as overdue:
        fix = f"run rotate again, which goes on from here; if that does not help, {FIX}"
        raise FabricError(f"{text}: {overdue}", cluster=client.ref.name, fix=fix) from overdue


def _numbers(numbers: tuple[int, ...]) -> str:
    return " and ".join(map(str, numbers))
