# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole rehearsal: pods in every cluster, scenarios one after another under streams, everything taken back."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Sequence
from datetime import UTC, datetime

from ..client.client import Client
from ..client.fleet import fleet
from ..client.types import ClusterRef, Outcome
from ..errors import FabricError
from . import drain, evidence, manifests, stage, standing
from .afterwards import CLEANUP_SECONDS
from .conductor import Conductor
from .meeting import Arrival, Meeting
from .post import Post
from .rehearsal import Rehearsal, Wishes
from .scenarios import SCENARIOS
from .types import ClusterReport, Place
from .verify import DEADLINE, Progress, quiet

LEAST_SECONDS, MOST_SECONDS = 6, 60  # of a fault: to be noticed and measured, and what the agent's image allows
REPETITION_SECONDS = 300.0  # longest that one repetition may take where no deadline says otherwise


async def rehearse(refs: Sequence[ClusterRef], wishes: Wishes, progress: Progress = quiet) -> Rehearsal:
    """Rehearse on these clusters. Never raises for what a cluster or the network does: it is in the result.

    When it is cancelled, what was done to the clusters is undone before the cancellation goes on.
    """
    started, clock = datetime.now(UTC), time.monotonic()
    meeting = Meeting(ref.name for ref in refs)
    runs = [_Run(ref, meeting, wishes, progress) for ref in refs]
    conductor = Conductor(wishes, limit(wishes), progress)
    async with asyncio.TaskGroup() as tasks:  # which waits for everybody's clean-up, unlike gather
        working = [tasks.create_task(run.go(conductor.done)) for run in runs]
        tasks.create_task(conductor.conduct(_posts(runs, meeting)))
    reports = tuple(run.report(task.result()) for run, task in zip(runs, working, strict=True))
    seconds = round(time.monotonic() - clock, 1)
    return Rehearsal(
        reports, tuple(conductor.repetitions), tuple(conductor.problems), seconds, started.isoformat(timespec="seconds")
    )


def refused(wishes: Wishes) -> list[tuple[str, str]]:
    """What is wrong with the wishes: message and fix."""
    found = []
    if wishes.times < 1:
        found.append((f"fabric_rehearse_times is {wishes.times}", "rehearse at least once"))
    if not LEAST_SECONDS <= wishes.seconds <= MOST_SECONDS:
        found.append(
            (f"fabric_rehearse_seconds is {wishes.seconds}", f"choose from {LEAST_SECONDS} to {MOST_SECONDS} seconds")
        )
    return found


def limit(wishes: Wishes) -> float:
    """Seconds that one repetition may take."""
    return max(wishes.deadlines.values(), default=REPETITION_SECONDS)


def lifetime(wishes: Wishes) -> float:
    """Seconds after which even the slowest run is over."""
    scenarios = len(wishes.scenarios) or len(SCENARIOS)
    return DEADLINE + (scenarios * wishes.times + 1) * limit(wishes)


async def _posts(runs: list[_Run], meeting: Meeting) -> list[Post]:
    """Every cluster's post, of those that arrived."""
    for run in runs:
        await meeting.arrival(run.ref.name)
    return [run.post for run in runs if run.post]


class _Run:
    """One cluster's part: its pods stand as long as the conductor works."""

    def __init__(self, ref: ClusterRef, meeting: Meeting, wishes: Wishes, progress: Progress) -> None:
        self.ref, self.meeting, self.progress = ref, meeting, progress
        self.image = wishes.images[ref.name]
        self.deadline = wishes.deadlines.get(ref.name, DEADLINE)
        self.lifetime = lifetime(wishes)
        self.post: Post | None = None
        self.places: list[Place] = []
        self.notes: list[str] = []
        self.evidence = evidence.Evidence(ref.name)

    async def go(self, done: asyncio.Event) -> Outcome[None]:
        """Bring the pods up, wait for the end, take them away."""
        seconds = self.lifetime + CLEANUP_SECONDS + 5
        try:
            async with asyncio.timeout(self.deadline) as self._patience:  # until there is a client
                outcomes = await fleet([self.ref], lambda client: self._work(client, done), deadline=seconds, limit=1)
            outcome = outcomes[self.ref.name]
        except TimeoutError:
            text = f"its credential was not there within {self.deadline:.0f} s."
            fix = "run the credential plugin of its kubeconfig context by hand."
            outcome = Outcome(None, FabricError(text, cluster=self.ref.name, fix=fix), self.deadline, 0)
        finally:
            self.meeting.leave(self.ref.name)
        if outcome.error:
            self.progress(self.ref.name, outcome.error.message)
        return outcome

    async def _work(self, client: Client, done: asyncio.Event) -> None:
        self._patience.reschedule(None)  # the start has its own limit, the rest has the rehearsal's
        here = stage.Stage(
            client,
            image=self.image,
            token=secrets.token_hex(16),
            seconds=self.lifetime,
            purpose=manifests.REHEARSE,
        )
        try:
            await self._arrive(client, here)
            await done.wait()
        finally:
            self.meeting.leave(self.ref.name)
            if complaint := await here.down():
                self.notes.append(complaint)

    async def _arrive(self, client: Client, here: stage.Stage) -> None:
        try:
            async with asyncio.timeout(self.deadline):
                self.evidence, nodes, notes = await standing.contact(client, deadline=self.deadline, which="sample")
                self.notes += [*notes, *await drain.recover(client)]
                self.places = here.places(nodes, self.evidence.gateways)
                names = ", ".join(place.node for place in self.places)
                self.progress(self.ref.name, f"starting verifier pods on {names}")
                self.places = await standing.stand_up(here, self.places, deadline=self.deadline)
        except TimeoutError:
            raise FabricError(
                f"its pods did not stand within its {self.deadline:.0f} s.",
                cluster=self.ref.name,
                fix="raise fabric_deadline, or look at what its pods wait for.",
            ) from None
        ready = standing.ready(self.places, image=self.image)
        self.post = Post(client, here, self.image, self.evidence, ready, self.notes)
        self.meeting.arrive(self.ref.name, Arrival(tuple(ready), self.evidence))

    def report(self, outcome: Outcome[None]) -> ClusterReport:
        """This cluster's part of the result."""
        error = outcome.error
        return ClusterReport(
            self.ref.name,
            cluster_id=self.evidence.cluster_id,
            reason=error.message if error else "",
            fix=error.fix if error else "",
            places=tuple(self.places),
            notes=tuple(self.notes),
            seconds=round(outcome.seconds, 1),
            requests=outcome.requests,
        )
