# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One cluster's pods against the pods of another: ask them, read their answers, explain what failed."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from ..errors import FabricError
from . import probe
from .diagnose import explain
from .evidence import Evidence
from .families import meets
from .meeting import Arrival, Meeting
from .stage import Stage
from .types import FAILED, UNKNOWN, NameAnswer, Options, Pair, Place

REQUESTS_AT_ONCE = 12  # to one API server: each holds a connection for as long as its pod checks
Pairs = dict[tuple[str, str], Pair]
"""Pairs by the labels of source and target."""


class Checker:
    """Asks the pods of one cluster. Faults of the control path become unknown pairs, never exceptions."""

    def __init__(self, stage: Stage, evidence: Evidence, meeting: Meeting, options: Options) -> None:
        self._stage, self._evidence, self._meeting, self._options = stage, evidence, meeting, options
        self._slots = asyncio.Semaphore(REQUESTS_AT_ONCE)

    async def names(self, place: Place, into: list[NameAnswer]) -> None:
        """Ask the pod's resolver for the API server's name."""
        try:
            async with self._slots:
                answer = await self._stage.check(place, probe.names_request(), timeout=probe.patience(1))
            into.append(probe.names_of(place, answer))
        except FabricError as error:
            into.append(NameAnswer(place, False, f"not asked: {error.message}"))

    async def light(self, sources: list[Place], name: str, into: Pairs) -> None:
        """The checks that cost little, from each source to each place of cluster `name` once it has arrived."""
        arrival = await self._meeting.arrival(name)
        if arrival is not None:
            await asyncio.gather(*(self._ask(source, self._others(source, arrival), into) for source in sources))

    async def heavy(self, sources: list[Place], name: str, into: Pairs) -> None:
        """The checks that load a link, one pair after another, where the light ones say that TCP passes."""
        arrival = await self._meeting.arrival(name)
        if arrival is None:
            return
        for source in sources:
            light = [pair for place in self._others(source, arrival) if (pair := into.get((source.label, place.label)))]
            passing = [pair.target for pair in light if probe.passes(pair)]
            found: Pairs = {}
            await self._ask(source, passing, found, heavy=True)
            for pair in light:
                key = (source.label, pair.target.label)
                into[key] = probe.merged(pair, found.get(key))

    async def explain(self, sources: list[Place], name: str, into: Pairs) -> None:
        """Give each failed pair towards cluster `name` its hop."""
        arrival = await self._meeting.arrival(name)
        if arrival is None:
            return
        for source in sources:
            labels = {place.label for place in arrival.places}
            failed = {
                key: pair
                for key, pair in into.items()
                if key[0] == source.label and key[1] in labels and pair.state == FAILED
            }
            if failed:
                reach = await self._reach(source, arrival.evidence)
                for key, pair in failed.items():
                    hop, evidence = explain(pair, self._evidence, arrival.evidence, reach)
                    into[key] = replace(pair, hop=hop, evidence=evidence)

    async def _ask(self, source: Place, targets: list[Place], into: Pairs, *, heavy: bool = False) -> None:
        if not targets:
            return
        request = probe.request_for(targets, self._options, heavy=heavy)
        try:
            async with self._slots:
                patience = probe.patience(len(targets), heavy=heavy)
                answer = await self._stage.check(source, request, timeout=patience)
            pairs = probe.pairs_of(source, targets, answer)
        except FabricError as error:
            reason = f"API server of {source.cluster} -> verifier pod {source.label}: {error.message}"
            pairs = [Pair(source, target, UNKNOWN, reason=reason) for target in targets]
        into.update({(source.label, pair.target.label): pair for pair in pairs})

    async def _reach(self, source: Place, target: Evidence) -> dict[str, bool]:
        """Which gateways of both ends answer pings of the source; nothing where that cannot be measured."""
        sides = {side.cluster: side for side in (self._evidence, target)}.values()
        request = probe.gateways_request(*sides, ipv6=":" in source.address)
        if not request["targets"]:
            return {}
        try:
            async with self._slots:
                timeout = probe.patience(len(request["targets"]))
                return probe.reach_of(await self._stage.check(source, request, timeout=timeout))
        except FabricError:
            return {}

    def _others(self, source: Place, arrival: Arrival) -> list[Place]:
        return [place for place in arrival.places if meets(source, place, self._evidence, arrival.evidence)]
