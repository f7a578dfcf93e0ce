# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What counts as good, whose turn it is, where streams end, and what an answer of a pod says."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path

import pytest

from ansible_collections.clusterset.fabric.plugins.module_utils.client.types import ClusterRef
from ansible_collections.clusterset.fabric.plugins.module_utils.facts.types import Node
from ansible_collections.clusterset.fabric.plugins.module_utils.status import fit, streams
from ansible_collections.clusterset.fabric.plugins.module_utils.status.bounds import Bound, judge
from ansible_collections.clusterset.fabric.plugins.module_utils.status.evidence import Evidence, LinkState
from ansible_collections.clusterset.fabric.plugins.module_utils.status.rehearsal import (
    Rehearsal,
    Repetition,
    Stream,
    Window,
    Wishes,
)
from ansible_collections.clusterset.fabric.plugins.module_utils.status.rehearse import lifetime, refused, rehearse
from ansible_collections.clusterset.fabric.plugins.module_utils.status.scenarios import SCENARIOS
from ansible_collections.clusterset.fabric.plugins.module_utils.status.types import ClusterReport, Place

EAST = Place("east", "w", "p0", address="10.1.0.1")
WEST = Place("west", "w", "p0", address="10.2.0.1")
GOOD = Stream(EAST, WEST, sent=400, gap=14.0, stall=25.0, own="10.1.0.1", seen=("10.1.0.1",))
LOSSLESS, QUICK = Bound(lost=0, survives=True), Bound(gap=1000.0, survives=True, heals=True)


def window(**changes: object) -> Window:
    return Window((GOOD, replace(GOOD, source=WEST, target=EAST, **changes)))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("bound", "during", "after", "state", "reason"),
    [
        (LOSSLESS, window(), None, "met", ""),
        (LOSSLESS, window(lost=3), None, "missed", "3 of 400 lost west/w -> east/w"),
        (LOSSLESS, window(broken="connection reset by peer"), None, "missed", "TCP west/w -> east/w: connection reset"),
        (LOSSLESS, window(seen=("10.1.0.1", "10.9.9.9")), None, "missed", "was seen as 10.9.9.9"),
        (LOSSLESS, window(unknown="no answer"), None, "unknown", "west/w -> east/w: no answer"),
        (LOSSLESS, Window(), None, "unknown", "no stream was measured"),
        (QUICK, window(lost=40, gap=420.0), window(), "met", ""),
        (QUICK, window(lost=140, gap=1000.0), window(), "missed", "gap of 1000 ms west/w -> east/w"),
        (QUICK, window(lost=40, gap=420.0), window(lost=1), "missed", "healing: 1 of 400 lost"),
        (QUICK, window(), None, "unknown", "the healing was not measured"),
        (Bound(), window(lost=40, gap=5000.0, broken="x"), None, "reported", ""),
        (Bound(), window(unknown="no answer"), None, "unknown", "no answer"),
        (LOSSLESS, window(lost=9, unread=8), None, "missed", "9 of 400 lost"),
        (LOSSLESS, window(lost=9, unread=9), None, "unknown", "had no room for as many"),
        (QUICK, window(lost=9, unread=9), window(), "met", ""),
    ],
)
def test_what_was_measured_is_judged(
    bound: Bound, during: Window, after: Window | None, state: str, reason: str
) -> None:
    found, reasons = judge(bound, during, after)
    assert found == state, reasons
    assert any(reason in each for each in reasons) if reason else not reasons


def test_a_doubt_spoils_what_is_good_and_not_what_is_bad() -> None:
    assert judge(LOSSLESS, window(), None, ["no packet met the fault"])[0] == "unknown"
    state, reasons = judge(LOSSLESS, window(lost=1), None, ["no packet met the fault"])
    assert state == "missed"
    assert reasons[-1] == "no packet met the fault"


def test_a_bound_says_what_it_is() -> None:
    assert str(QUICK) == "gap < 1000 ms, TCP survives, healing 0 lost"
    assert str(LOSSLESS) == "0 lost, TCP survives"
    assert str(Bound()) == "none"


def evidence(**changes: object) -> Evidence:
    """Two gateways, each with a link Up to both peers, and a worker."""
    nodes = tuple(Node(name, ready=True) for name in ("a", "b", "w"))
    links = tuple(LinkState(node, peer, "g", "Up") for node in ("a", "b") for peer in ("east", "north"))
    found = Evidence("west", "west", "Active", nodes, ("a", "b"), agents={"a": True, "b": True}, links=links)
    return replace(found, **changes)  # type: ignore[arg-type]


def test_a_fault_needs_two_gateways() -> None:
    assert fit.too_few(evidence()) == ""
    assert fit.too_few(evidence(gateways=("a",))) == "it has one gateway, a fault needs two"
    assert fit.too_few(evidence(gateways=())) == "it has no gateway, a fault needs two"


def test_a_fault_needs_gateways_that_could_each_take_over() -> None:
    good = evidence()
    assert fit.unfit(good) == ""
    assert fit.unfit(evidence(agents={"a": True})) == "the agent on b is not ready"
    assert fit.unfit(evidence(nodes=good.nodes[1:])) == "node a is not Ready"
    assert fit.unfit(evidence(links=good.links[:-1])) == "gateway b has no link Up to north"
    assert fit.unfit(evidence(links=())) == "gateway a has no link Up"
    down = (*good.links, LinkState("b", "north", "other", "Down"))
    assert fit.unfit(evidence(links=down)) == ""


def test_only_gateways_beside_which_a_stream_can_end_are_afflicted() -> None:
    on = {name: Place("west", name, "p", name != "w", address="10.2.0.9") for name in ("a", "b", "w")}
    assert fit.candidates(evidence(), [on["w"]]) == ["a", "b"]
    assert fit.candidates(evidence(), [on["a"], on["b"]]) == ["a", "b"]
    assert fit.candidates(evidence(), [on["a"]]) == ["b"]
    assert fit.candidates(evidence(), [on["w"]], taken={"b"}) == ["a"]


def test_clusters_take_turns_and_then_their_gateways() -> None:
    able = [("east", ["a", "b"]), ("west", ["c"])]
    assert [fit.turn(able, number) for number in range(5)] == [
        ("east", "a"),
        ("west", "c"),
        ("east", "b"),
        ("west", "c"),
        ("east", "a"),
    ]


def test_a_stream_ends_off_the_afflicted_node_and_rather_not_on_a_gateway() -> None:
    gate = Place("west", "g", "p0", gateway=True, address="10.2.0.1")
    work = Place("west", "w", "p1", address="10.2.0.2")
    assert streams.place_for([gate, work]) == work
    assert streams.place_for([gate, work], avoid="w") == gate
    assert streams.place_for([gate], avoid="g") is None


def test_an_answer_becomes_streams_and_silence_unknown() -> None:
    request = streams.start_request("x", [WEST])
    assert request["targets"] == [{"name": "west/w", "address": "10.2.0.1", "expect": "west/w"}]
    entry = {
        "name": "west/w",
        "own": "10.1.0.1",
        "sent": 400,
        "lost": 0,
        "gap": 14.0,
        "late": 0.0,
        "seen": ["10.1.0.1"],
        "unread": 0,
        "stall": 25.0,
        "survived": True,
        "reason": "",
    }
    north = replace(WEST, cluster="north")
    found = streams.streams_of(EAST, [WEST, north], {"streams": [entry]})
    assert found[0] == GOOD
    assert found[1].unknown == "the verifier pod said nothing of it"
    lost = {**entry, "lost": 400, "survived": False, "reason": "no answer in time"}
    silent = streams.streams_of(EAST, [WEST], {"streams": [lost]})[0]
    assert silent.silent
    assert silent.broken == "no answer in time"


def test_clusters_with_a_miss_or_a_problem_are_faulty_and_skips_are_not() -> None:
    rows = tuple(
        Repetition("drain", 1, cluster, "g", state)
        for cluster, state in (("a", "met"), ("b", "missed"), ("c", "unknown"), ("d", "skipped"), ("e", "reported"))
    )
    absent = ClusterReport("g", reason="cannot be connected to.")
    assert Rehearsal((absent,), rows, (("f", "nothing passes"),)).faulty() == ("b", "c", "f", "g")


def test_scenarios_are_summed_up_by_median_and_worst() -> None:
    gaps = [200.0, 700.0, 300.0]
    rows = [Repetition("drain", n, "a", "g", "met", during=window(gap=gap, lost=1)) for n, gap in enumerate(gaps, 1)]
    rows.append(Repetition("drain", 0, "b", "", "skipped"))
    (summary,) = Rehearsal(repetitions=tuple(rows)).summaries()
    assert (summary.times, summary.met, summary.lost) == (3, 3, 3)
    assert (summary.median_gap, summary.longest_gap, summary.longest_stall) == (300.0, 700.0, 25.0)


def test_wishes_out_of_bounds_are_refused_and_pods_outlive_the_rest() -> None:
    assert refused(Wishes({})) == []
    assert len(refused(Wishes({}, times=0, seconds=61))) == 2
    assert lifetime(Wishes({}, times=1, scenarios=("drain",))) < lifetime(Wishes({}, times=2, scenarios=("drain",)))


async def test_clusters_that_cannot_be_reached_are_named_and_nothing_is_waited_for(tmp_path: Path) -> None:
    refs = [ClusterRef(name, str(tmp_path / "none"), name, False) for name in ("east", "west")]
    wishes = Wishes({"east": "i", "west": "i"}, deadlines={"east": 5.0, "west": 5.0})
    async with asyncio.timeout(10):
        found = await rehearse(refs, wishes)
    assert found.repetitions == ()
    assert found.faulty() == ("east", "west")
    assert all(report.reason for report in found.clusters)


async def test_a_credential_that_never_comes_costs_the_deadline_and_no_more(tmp_path: Path) -> None:
    command = {"apiVersion": "client.authentication.k8s.io/v1", "command": "sleep", "args": ["2"]}
    config = {
        "clusters": [{"name": "c", "cluster": {"server": "https://192.0.2.1:6443"}}],
        "users": [{"name": "u", "user": {"exec": {**command, "interactiveMode": "Never"}}}],
        "contexts": [{"name": "east", "context": {"cluster": "c", "user": "u"}}],
    }
    (tmp_path / "config").write_text(json.dumps(config))
    ref = ClusterRef("east", str(tmp_path / "config"), "east", False)
    async with asyncio.timeout(10):
        found = await rehearse([ref], Wishes({"east": "i"}, {"east": 1.0}))
    assert "credential was not there within 1 s" in found.clusters[0].reason
    await asyncio.sleep(1.5)  # the program goes on alone, for others that wait for it


def test_every_scenario_that_takes_traffic_away_is_bounded() -> None:
    assert next(iter(SCENARIOS)) == "baseline"
    assert all(each.bound.any for each in SCENARIOS.values() if each.fault)
    assert not SCENARIOS["plugin_restart"].bound.any
