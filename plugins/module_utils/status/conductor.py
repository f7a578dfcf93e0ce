# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the scenarios one after another, each on the whole clusterset, and keeps what they find."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable

from ..errors import FabricError
from . import drain, fit
from .bounds import judge
from .post import Post
from .rehearsal import SKIPPED, UNKNOWN, Repetition, Window, Wishes
from .scenarios import SCENARIOS, Scenario
from .scene import NotApplicableError, Scene
from .streams import Streams
from .verify import Progress

SETTLE_SECONDS = 45.0  # for gateways to be fit again after what was done to them
_LOOK_SECONDS = 1.0


class Conductor:
    """`repetitions` and `problems` grow while it works; `done` is set when it works no more."""

    def __init__(self, wishes: Wishes, limit: float, progress: Progress) -> None:
        self._wishes, self._limit, self._progress = wishes, limit, progress
        self.done = asyncio.Event()
        self.repetitions: list[Repetition] = []
        self.problems: list[tuple[str, str]] = []
        self._streams = Streams(())
        self._unfit: set[str] = set()  # clusters that are not waited for again

    async def conduct(self, arriving: Awaitable[list[Post]]) -> None:
        """Do everything that is wished, as soon as the posts have arrived."""
        try:
            posts = await arriving
            if len(posts) < 2:
                self.problems += [(post.name, "nothing was rehearsed: no other cluster takes part") for post in posts]
                return
            self._streams = Streams(posts)
            await self._open()
            for name in self._wishes.scenarios or SCENARIOS:
                await self._scenario(SCENARIOS[name])
            if not any(each.during.streams for each in self.repetitions):
                self.problems += [(post.name, "nothing was rehearsed") for post in posts]
        finally:
            self.done.set()

    async def _open(self) -> None:
        """Leave out pairs between which nothing passes even at rest: they would hide what a fault does."""
        await self._streams.start()
        for stream in (await self._streams.collect()).streams:
            pair = (stream.source.cluster, stream.target.cluster)
            if stream.unknown or stream.silent:
                reason = stream.unknown or "nothing passes, even before any fault"
                self._streams.left_out.add(pair)
                self.problems.append((pair[0], f"{stream.label}: {reason}"))

    async def _scenario(self, scenario: Scenario) -> None:
        told: set[str] = set()
        for number in range(self._wishes.times):
            able, reasons = await self._able(scenario)
            for name, reason in reasons:
                if name not in told:
                    told.add(name)
                    self._skip(scenario, name, reason)
            if not able:
                return
            cluster, node = fit.turn(able, number)
            post = next(post for post in self._streams.posts if post.name == cluster)
            self.repetitions.append(await self._repetition(scenario, post, node, number))

    def _skip(self, scenario: Scenario, cluster: str, reason: str) -> None:
        self._progress(cluster, f"{scenario.name} is skipped: {reason}")
        self.repetitions.append(Repetition(scenario.name, 0, cluster, "", SKIPPED, (reason,), str(scenario.bound)))

    async def _repetition(self, scenario: Scenario, post: Post, node: str, number: int) -> Repetition:
        """Never raises but when it is cancelled; what went wrong is in the result."""
        self._progress(post.name, f"{scenario.name} {number + 1} of {self._wishes.times}: {node}")
        scene = Scene(post, node, self._streams, number, self._wishes.seconds, where=node, models=self._wishes.models)
        clock = time.monotonic()
        state, reasons = await self._act(scenario, scene)
        self._progress(post.name, f"{scenario.name} {number + 1}: {state}, {_measured(scene.during)}")
        return Repetition(
            scenario.name,
            number + 1,
            post.name,
            scene.where,
            state,
            reasons,
            str(scenario.bound),
            scene.during,
            scene.after,
            tuple(scene.notes),
            round(time.monotonic() - clock, 1),
        )

    async def _act(self, scenario: Scenario, scene: Scene) -> tuple[str, tuple[str, ...]]:
        try:
            async with asyncio.timeout(self._limit):
                await scenario.act(scene)
        except NotApplicableError as error:
            return SKIPPED, (error.message,)
        except FabricError as error:
            return UNKNOWN, (error.message,)
        except TimeoutError:
            return UNKNOWN, (f"not done within {self._limit:.0f} s",)
        except Exception as fault:  # a fault of ours must not leave the clusters as they are
            return UNKNOWN, (f"an unexpected fault: {type(fault).__name__}: {fault}",)
        return judge(scenario.bound, scene.during, scene.after, scene.doubts)

    async def _able(self, scenario: Scenario) -> tuple[list[tuple[str, list[str]]], list[tuple[str, str]]]:
        """Clusters with the gateways whose turn it may be, and clusters with the reason why it is nobody's."""
        found = await asyncio.gather(*(self._gateways(post, scenario) for post in self._streams.posts))
        able: list[tuple[str, list[str]]] = []
        reasons: list[tuple[str, str]] = []
        for post, (gateways, reason) in zip(self._streams.posts, found, strict=True):
            if gateways:
                able.append((post.name, gateways))
            else:
                reasons.append((post.name, reason))
        return able, reasons

    async def _gateways(self, post: Post, scenario: Scenario) -> tuple[list[str], str]:
        """Gateways of a cluster that the scenario may afflict, or none and the reason."""
        try:
            await post.refresh()
            if not scenario.fault:
                gateways = list(post.evidence.gateways)
                return gateways, "" if gateways else "it has no gateway"
            if reason := fit.too_few(post.evidence) or await self._settled(post):
                return [], reason
            gateways = fit.candidates(post.evidence, post.places, await drain.taken(post.client))
            return gateways, "" if gateways else "no gateway can be spared: each is drained, or a stream's only end"
        except FabricError as error:
            return [], error.message

    async def _settled(self, post: Post) -> str:
        """Wait until each gateway could take over from another; why one could not, "" if each could."""
        clock = time.monotonic()
        while reason := fit.unfit(post.evidence):
            if post.name in self._unfit or time.monotonic() - clock > SETTLE_SECONDS:
                self._unfit.add(post.name)
                return reason
            await asyncio.sleep(_LOOK_SECONDS)
            await post.refresh()
        self._unfit.discard(post.name)
        return ""


def _measured(window: Window) -> str:
    return f"{window.lost} of {window.sent} lost, gap {window.gap:.0f} ms" if window.streams else "not measured"
