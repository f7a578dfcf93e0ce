# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole verification: pods in every cluster, every ordered pair checked, failures explained, pods gone again."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from ..client.client import Client
from ..client.fleet import fleet, together
from ..client.types import ClusterRef, Outcome
from ..errors import FabricError
from . import credentials, crosscheck, evidence, stage, standing
from .afterwards import CLEANUP_SECONDS
from .families import meets, spread
from .meeting import Arrival, Meeting
from .types import UNKNOWN, ClusterReport, NameAnswer, Options, Pair, Place, Verification

DEADLINE = 300.0
LIGHT_SECONDS = 20.0  # how long a cluster that is ready for the heavy checks waits for the others

Progress = Callable[[str, str], None]
"""Called with a cluster's name and what happens there now."""


def quiet(cluster: str, text: str) -> None:
    """A Progress that says nothing."""


async def verify(refs: Sequence[ClusterRef], options: Options, progress: Progress = quiet) -> Verification:
    """Check every ordered pair of clusters. Never raises for what a cluster or the network does: it is in the result.

    Each cluster costs at most its deadline plus its clean-up.
    """
    started, clock = datetime.now(UTC), time.monotonic()
    meeting = Meeting(ref.name for ref in refs)
    runs = [_Run(ref, [other.name for other in refs], meeting, options, progress) for ref in refs]
    outcomes = await together(run.go() for run in runs)
    pairs = [pair for run in runs for pair in run.pairs.values()]
    pairs += _absent(runs)
    pairs.sort(key=lambda pair: (pair.source.label, pair.target.label))
    reports = tuple(run.report(outcome) for run, outcome in zip(runs, outcomes, strict=True))
    seconds = round(time.monotonic() - clock, 1)
    return Verification(reports, tuple(pairs), seconds, started.isoformat(timespec="seconds"))


class _Run:
    """One cluster's part of the run; what it has found so far survives its deadline."""

    def __init__(
        self, ref: ClusterRef, clusters: list[str], meeting: Meeting, options: Options, progress: Progress
    ) -> None:
        self.ref, self.clusters, self.meeting, self.options, self.progress = ref, clusters, meeting, options, progress
        self.deadline = options.deadlines.get(ref.name, DEADLINE)
        self.places: list[Place] = []
        self.pairs: dict[tuple[str, str], Pair] = {}
        self.names: list[NameAnswer] = []
        self.notes: list[str] = []
        self.evidence = evidence.Evidence(ref.name)

    async def go(self) -> Outcome[None]:
        """Run within the deadline; the clean-up has its own time after it."""
        try:
            seconds = self.deadline + CLEANUP_SECONDS + 5
            outcomes = await fleet([self.ref], self._work, deadline=seconds, limit=1)
        finally:
            self.meeting.leave(self.ref.name)
        outcome = outcomes[self.ref.name]
        if outcome.error:
            self.progress(self.ref.name, outcome.error.message)
        return outcome

    async def _work(self, client: Client) -> None:
        image = self.options.images[self.ref.name]
        here = stage.Stage(client, image=image, token=secrets.token_hex(16), seconds=self.deadline)
        try:
            async with asyncio.timeout(self.deadline):
                await self._check(client, here)
        except TimeoutError:
            raise FabricError(
                f"the verification was not done within its {self.deadline:.0f} s.",
                cluster=self.ref.name,
                fix="raise fabric_deadline, or look at what its pods wait for.",
            ) from None
        finally:
            self.meeting.leave(self.ref.name)
            if complaint := await here.down():
                self.notes.append(complaint)

    async def _check(self, client: Client, here: stage.Stage) -> None:
        which = self.options.nodes
        self.evidence, nodes, self.notes = await standing.contact(client, deadline=self.deadline, which=which)
        self.notes += await credentials.warnings(client)
        self.places = here.places(nodes, self.evidence.gateways)
        self.progress(self.ref.name, f"starting verifier pods on {', '.join(place.node for place in self.places)}")
        self.places = await standing.stand_up(here, self.places, deadline=self.deadline)
        self.places = spread(self.places, self.evidence, within=self.options.within)
        ready = standing.ready(self.places, image=self.options.images[self.ref.name])
        self.meeting.arrive(self.ref.name, Arrival(tuple(ready), self.evidence))
        checker = crosscheck.Checker(here, self.evidence, self.meeting, self.options)
        at = self.clusters.index(self.ref.name)
        others = self.clusters[at + 1 :] + self.clusters[: at + self.options.within]  # not all load the same one first
        others = [name for name in others if self.options.connects(self.ref.name, name)]
        self.progress(self.ref.name, f"{len(ready)} verifier pods ready")
        await asyncio.gather(
            *(checker.names(place, self.names) for place in ready if not place.family),
            *(checker.light(ready, name, self.pairs) for name in others),
        )
        await self.meeting.light_done(self.ref.name, wait=LIGHT_SECONDS)
        for name in others:
            await checker.heavy(ready, name, self.pairs)
        await asyncio.gather(*(checker.explain(ready, name, self.pairs) for name in others))
        self.meeting.leave(self.ref.name)
        self.progress(self.ref.name, f"{len(self.pairs)} pairs checked")
        await self.meeting.all_gone()

    def report(self, outcome: Outcome[None]) -> ClusterReport:
        """This cluster's part of the result."""
        error = outcome.error
        return ClusterReport(
            self.ref.name,
            cluster_id=self.evidence.cluster_id,
            reason=error.message if error else "",
            fix=error.fix if error else "",
            places=tuple(self.places),
            names=tuple(sorted(self.names, key=lambda answer: answer.place.label)),
            notes=tuple(self.notes),
            seconds=round(outcome.seconds, 1),
            requests=outcome.requests,
        )


def _absent(runs: list[_Run]) -> list[Pair]:
    """The pairs that nobody could check, one for each pair of places; a cluster without pods counts as one place."""
    found = []
    for source in runs:
        for target in runs:
            if source is target and not source.options.within:
                continue
            if not source.options.connects(source.ref.name, target.ref.name):
                continue
            for here in source.places or [Place(source.ref.name, "", "")]:
                for there in target.places or [Place(target.ref.name, "", "")]:
                    known = (here.label, there.label) in source.pairs
                    if not known and meets(here, there, source.evidence, target.evidence):
                        found.append(Pair(here, there, UNKNOWN, reason=_why(here, there, source, target)))
    return found


def _why(here: Place, there: Place, source: _Run, target: _Run) -> str:
    for place, run in ((here, source), (there, target)):
        if not run.places:
            return f"cluster {run.ref.name} did not take part"
        if not place.address:
            return f"{place.label}: {place.reason or 'its pod never started'}"
    return "not done before the deadline"
