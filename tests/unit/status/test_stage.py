# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which nodes are tested, what the pods are, whose leftovers are removed, and how clusters wait for each other."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.clusterset.fabric.plugins.module_utils.facts.types import Node
from ansible_collections.clusterset.fabric.plugins.module_utils.status import leftovers, manifests, probe
from ansible_collections.clusterset.fabric.plugins.module_utils.status.evidence import Evidence
from ansible_collections.clusterset.fabric.plugins.module_utils.status.meeting import Arrival, Meeting
from ansible_collections.clusterset.fabric.plugins.module_utils.status.types import CHECKS, Check, Options, Pair, Place

WINDOWS = {"kubernetes.io/os": "windows"}
NODES = (
    Node("control", ready=True, control_plane=True),
    Node("dark", ready=False),
    Node("gate", ready=True),
    Node("work", ready=True),
    Node("panes", ready=True, labels=WINDOWS),
)


@pytest.mark.parametrize(
    ("gateways", "which", "chosen", "absent"),
    [
        (("gate",), "sample", ["gate", "work"], []),
        (("work", "gate"), "sample", ["gate", "control"], []),
        (("dark", "gate"), "sample", ["gate", "work"], ["dark"]),
        (("gate", "work", "control"), "sample", ["control", "gate"], []),
        ((), "sample", ["control", "gate"], []),
        (("gate",), "all", ["gate", "control", "work"], ["dark"]),
    ],
)
def test_nodes_are_chosen(gateways: tuple[str, ...], which: str, chosen: list[str], absent: list[str]) -> None:
    found, missing = manifests.choose(NODES, gateways, which)
    assert [node.name for node in found] == chosen
    assert [node.name for node in missing] == absent


def test_the_pod_satisfies_the_restricted_standard() -> None:
    spec = manifests.pod(Place("west", "w", "verify-0"), "ns", image="i", token="t", seconds=9)["spec"]
    container = spec["containers"][0]["securityContext"]
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["runAsUser"] > 0
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert {entry["name"] for entry in spec["securityContext"]["sysctls"]} == {"net.ipv4.ping_group_range"}
    assert container["allowPrivilegeEscalation"] is False
    assert container["readOnlyRootFilesystem"] is True
    assert container["capabilities"] == {"drop": ["ALL"]}
    assert spec["automountServiceAccountToken"] is False
    assert not {"hostNetwork", "hostPID", "volumes"} & set(spec)
    assert spec["activeDeadlineSeconds"] == 9


def namespace(expires: float, runner: str) -> dict[str, Any]:
    marks = {leftovers.EXPIRES: str(int(expires)), leftovers.RUNNER: runner}
    return manifests.namespace("fabric-verify-1", manifests.VERIFY, marks)


def test_only_what_nobody_will_clean_up_is_abandoned() -> None:
    later, before = time.time() + 100, time.time() - 100
    assert not leftovers.abandoned(namespace(later, leftovers.runner()))
    assert not leftovers.abandoned(namespace(later, "another-machine.1.2"))
    assert not leftovers.abandoned(namespace(later, ""))
    assert leftovers.abandoned(namespace(before, leftovers.runner()))


def test_the_namespace_of_a_killed_process_is_abandoned_at_once() -> None:
    if not leftovers.runner():
        pytest.skip("needs /proc")
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        place = leftovers.runner().split(".", maxsplit=1)[0]
        mark = f"{place}.{child.pid}.{leftovers._started(child.pid)}"
        assert not leftovers.dead(mark)
        child.kill()
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # dead, but still in the list of processes
        assert leftovers.dead(mark)
    assert leftovers.dead(mark)
    assert leftovers.abandoned(namespace(time.time() + 100, mark))


async def test_nobody_waits_for_a_cluster_that_was_given_up() -> None:
    meeting = Meeting(["a", "b", "c"])
    arrival = Arrival((), Evidence("a"))
    meeting.arrive("a", arrival)
    meeting.leave("b")
    assert await meeting.arrival("a") is arrival
    assert await meeting.arrival("b") is None
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.02):
            await meeting.arrival("c")
    gone = asyncio.ensure_future(meeting.all_gone())
    meeting.leave("a")
    await asyncio.sleep(0)
    assert not gone.done()
    meeting.leave("c")
    await asyncio.wait_for(gone, 1)
    assert await meeting.arrival("c") is None


def test_an_answer_becomes_pairs_and_silence_unknown() -> None:
    source, first, second = Place("w", "1", "p"), Place("e", "1", "p", address="10.0.0.1"), Place("e", "2", "p")
    request = probe.request_for([first], Options({}))
    assert request["targets"] == [{"name": "e/1", "address": "10.0.0.1", "expect": "e/1"}]
    checks = [{"name": "icmp", "state": "ok", "value": 1.5}, {"name": "tcp", "state": "failed", "reason": "x"}]
    pairs = probe.pairs_of(source, [first, second], {"targets": [{"name": "e/1", "checks": checks}]})
    assert [pair.state for pair in pairs] == ["failed", "unknown"]
    assert pairs[0].failed == ("tcp",)
    assert pairs[0].milliseconds == 1.5


def test_the_heavy_half_joins_the_light_one() -> None:
    here, there = Place("w", "1", "p"), Place("e", "1", "p")
    light = Pair(here, there, "ok", tuple(Check(name, "ok") for name in probe.LIGHT))
    heavy = Pair(here, there, "ok", tuple(Check(name, "ok") for name in probe.HEAVY))
    assert [check.name for check in probe.merged(light, heavy).checks] == list(CHECKS)
    assert probe.merged(light, heavy).state == "ok"
    rewritten = replace(heavy, checks=(Check("source", "failed"), Check("bulk", "ok"), Check("connections", "ok")))
    assert probe.merged(light, rewritten).failed == ("source",)
    assert probe.merged(light, replace(heavy, state="unknown", reason="gone")).state == "unknown"
    lost = replace(light, state="failed", checks=(Check("icmp", "failed"), Check("tcp", "failed")))
    assert not probe.passes(lost)
    assert {check.name: check.state for check in probe.merged(lost, None).checks} == {
        "icmp": "failed",
        "tcp": "failed",
        "bulk": "skipped",
        "connections": "skipped",
    }


async def test_load_waits_for_the_light_checks_of_all_but_not_for_ever() -> None:
    meeting = Meeting(["a", "b"])
    await asyncio.wait_for(meeting.light_done("a", wait=0.02), 1)
    waiting = asyncio.ensure_future(meeting.light_done("a", wait=60))
    await asyncio.sleep(0)
    assert not waiting.done()
    meeting.leave("b")
    await asyncio.wait_for(waiting, 1)
