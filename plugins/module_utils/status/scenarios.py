# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a rehearsal can do to a clusterset. A new scenario is one function and one row in SCENARIOS."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from . import drain, outages, restarts, rotation, wiring
from .bounds import Bound
from .holding import holding
from .outages import Outage
from .scene import NotApplicableError, Scene

REST_SECONDS = 5.0  # of a stream to which nothing is done
STAY_SECONDS = 3.0  # how long a gateway stays drained
HEAL_SECONDS = 7.0  # after a fault: until the way is in use again, and a while beyond
ENTRY = 0.4  # part of a fault's time after which the ways must have changed, and the window of the healing begins


@dataclass(frozen=True)
class Scenario:
    """`fault`: it takes a gateway's traffic away, so that another one must be fit to carry it."""

    name: str
    act: Callable[[Scene], Awaitable[None]]
    bound: Bound
    fault: bool = False


async def _baseline(scene: Scene) -> None:
    """Nothing: what the machines lose by themselves."""
    scene.where = "nothing is done"
    async with scene.window():
        await asyncio.sleep(REST_SECONDS)


async def _agent_restart(scene: Scene) -> None:
    async with scene.window():
        await restarts.restart_agent(scene.post, scene.node)


async def _plugin_restart(scene: Scene) -> None:
    async with scene.window():
        scene.where = await restarts.restart_plugin(scene.post)


async def _gateway_blackhole(scene: Scene) -> None:
    wires = await wiring.read(scene.post.client)
    await _suffer(scene, outages.black_hole(wires, scene.node, scene.seconds))


async def _gateway_cut(scene: Scene) -> None:
    wires = await wiring.read(scene.post.client)
    await _suffer(scene, outages.cut_off(wires, scene.node, scene.seconds))


async def _link_cut(scene: Scene) -> None:
    wires = await wiring.read(scene.post.client)
    able = outages.cuttable(wires, scene.node)
    if not able:
        raise NotApplicableError(f"gateway {scene.node} has no link with packets of its own.", cluster=scene.post.name)
    wire = able[scene.number % len(able)]
    scene.where = wire.label
    await _suffer(scene, outages.cut_link(wires, wire, scene.seconds))


async def _drain(scene: Scene) -> None:
    async with scene.window():
        async with drain.draining(scene.post, scene.node):
            await drain.until_state(scene.post, scene.node, drain.DRAINED)
            await asyncio.sleep(STAY_SECONDS)
        await drain.until_state(scene.post, scene.node, drain.ACTIVE)


async def _rotate(scene: Scene) -> None:
    async with scene.window():
        scene.where = await rotation.rotate_keys(scene.models)


async def _suffer(scene: Scene, outage: Outage) -> None:
    """Measure the beginning of an outage; then, with new streams that begin within it, its end."""
    await scene.begin()
    async with holding(scene.post, outage) as held:
        await held.begun()
        await asyncio.sleep(outage.seconds * ENTRY)
        scene.during = await scene.streams.collect()
        await scene.begin()
        if not await held.holds():
            scene.doubts.append(
                "the fault was over before the healing could be measured: raise fabric_rehearse_seconds"
            )
        dropped = await held.over()
    if dropped == 0:
        scene.doubts.append("no packet met the fault")
    scene.notes.append(f"{'an unknown number of' if dropped is None else dropped} packets dropped")
    if not scene.during.lost:
        scene.notes.append("no stream took that way")
    await asyncio.sleep(HEAL_SECONDS)
    scene.after = await scene.streams.collect()


_QUICK = Bound(gap=1000.0, survives=True, heals=True)
_LOSSLESS = Bound(lost=0, survives=True)
SCENARIOS = {
    scenario.name: scenario
    for scenario in (
        Scenario("baseline", _baseline, _LOSSLESS),
        Scenario("agent_restart", _agent_restart, _LOSSLESS),
        Scenario("plugin_restart", _plugin_restart, Bound()),
        Scenario("rotate", _rotate, _LOSSLESS),
        Scenario("drain", _drain, _LOSSLESS, fault=True),
        Scenario("link_cut", _link_cut, _QUICK, fault=True),
        Scenario("gateway_blackhole", _gateway_blackhole, _QUICK, fault=True),
        Scenario("gateway_cut", _gateway_cut, _QUICK, fault=True),
    )
}
"""By name, in the order in which they run."""
