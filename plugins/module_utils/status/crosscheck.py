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
from .meeting import Arrival, Meeting
from .stage import Stage
from .types import FAILED, OK, UNKNOWN, NameAnswer, Options, Pair, Place

REQUESTS_AT_ONCE = 12  # to one API server: each holds a connection for as long as its pod checks


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

    async def cluster(self, sources: list[Place], name: str, into: dict[tuple[str, str], Pair]) -> None:
        """Check from each source to each place of cluster `name`, once it has arrived; adds the pairs to `into`."""
        arrival = await self._meeting.arrival(name)
        if arrival is not None:
            await asyncio.gather(*(self._source(source, arrival, into) for source in sources))

    async def _source(self, source: Place, arrival: Arrival, into: dict[tuple[str, str], Pair]) -> None:
        targets = [place for place in arrival.places if place.label != source.label]
        if not targets:
            return
        try:
            async with self._slots:
                request = probe.request_for(targets, self._options)
                answer = await self._stage.check(source, request, timeout=probe.patience(len(targets)))
            pairs = probe.pairs_of(source, targets, answer)
        except FabricError as error:
            reason = f"API server of {source.cluster} -> verifier pod {source.label}: {error.message}"
            pairs = [Pair(source, target, UNKNOWN, reason=reason) for target in targets]
        if any(pair.state == FAILED for pair in pairs):
            pairs = await self._explained(source, arrival.evidence, pairs)
        for pair in pairs:
            into[source.label, pair.target.label] = pair

    async def _explained(self, source: Place, target: Evidence, pairs: list[Pair]) -> list[Pair]:
        """Ping the gateways of both ends from the source, then give each failed pair its hop."""
        request = probe.gateways_request(*{side.cluster: side for side in (self._evidence, target)}.values())
        reach: dict[str, bool] = {}
        try:
            if request["targets"]:
                async with self._slots:
                    answer = await self._stage.check(source, request, timeout=probe.patience(len(request["targets"])))
                reach = probe.reach_of(answer)
        except FabricError:
            pass  # without the measurement the objects alone have to tell
        found = []
        for pair in pairs:
            if pair.state != OK:
                hop, evidence = explain(pair, self._evidence, target, reach)
                pair = replace(pair, hop=hop, evidence=evidence)
            found.append(pair)
        return found
