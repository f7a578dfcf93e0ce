# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of a rehearsal, who is blamed, what to do next, and the file."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from ansible_collections.clusterset.fabric.plugins.module_utils.report.rehearse_json import write
from ansible_collections.clusterset.fabric.plugins.module_utils.report.rehearse_table import (
    HEAD,
    messages,
    rehearse_table,
)
from ansible_collections.clusterset.fabric.plugins.module_utils.status.rehearsal import (
    Rehearsal,
    Repetition,
    Stream,
    Window,
)
from ansible_collections.clusterset.fabric.plugins.module_utils.status.types import ClusterReport, Place

EAST, WEST = Place("east", "w", "p", address="10.1.0.1"), Place("west", "w", "p", address="10.2.0.1")
QUIET = Window((Stream(EAST, WEST, sent=400, gap=14.0, stall=25.0, own="10.1.0.1", seen=("10.1.0.1",)),))
HIT = Window((replace(QUIET.streams[0], lost=42, gap=431.0, stall=812.0),))
CUT = Repetition("gateway_cut", 1, "east", "g", "met", (), "gap < 1000 ms", HIT, QUIET, ("1234 packets dropped",))
REPORTS = (ClusterReport("east", requests=3), ClusterReport("west", requests=4))


def result(*rows: Repetition, reports: tuple[ClusterReport, ...] = REPORTS) -> Rehearsal:
    return Rehearsal(reports, rows, (), 61.0, "2026-01-01T00:00:00+00:00")


def test_a_good_run_is_a_row_a_summary_and_no_blame() -> None:
    lines = rehearse_table(result(CUT)).splitlines()
    assert lines[0].split() == list(HEAD)
    assert " ".join(lines[1].split()) == "gateway_cut 1 east/g 1 42 of 400 431 ms 812 ms 0 of 400 gap < 1000 ms met"
    assert " ".join(lines[4].split()) == "gateway_cut 1 of 1 42 of 400 431 ms 431 ms 812 ms"
    assert "note: gateway_cut 1: 1234 packets dropped" in lines
    assert lines[-1] == "rehearse: 1 met; 2 clusters, 7 requests, 61 s"
    assert not any(line.startswith("next:") for line in lines)
    assert messages(result(CUT)) == {}


def test_a_missed_bound_is_told_with_its_reason_and_what_to_do() -> None:
    late = Window((replace(HIT.streams[0], gap=1400.0, late=900.0),))
    bad = replace(CUT, state="missed", reasons=("gap of 1400 ms east/w -> west/w",), during=late)
    text = rehearse_table(result(CUT, bad))
    assert "MISSED gateway_cut 1 in east: gap of 1400 ms east/w -> west/w" in text
    assert "a pod sent up to 900 ms late" in text
    assert "next: gateway_cut: " in text
    assert messages(result(bad)) == {"east": "east: gateway_cut 1 missed: gap of 1400 ms east/w -> west/w"}


def test_a_skipped_scenario_is_seen_and_blames_nobody() -> None:
    skipped = Repetition("drain", 0, "west", "", "skipped", ("it has one gateway, a fault needs two",), "0 lost")
    text = rehearse_table(result(CUT, skipped))
    assert "skipped drain in west: it has one gateway, a fault needs two" in text
    assert messages(result(CUT, skipped)) == {}


def test_loss_at_rest_is_the_only_advice() -> None:
    noisy = Repetition("baseline", 1, "east", "", "missed", ("1 of 400 lost",), "0 lost", HIT)
    bad = replace(CUT, state="missed")
    advice = [line for line in rehearse_table(result(noisy, bad)).splitlines() if line.startswith("next:")]
    assert len(advice) == 1
    assert advice[0].startswith("next: baseline: ")


def test_an_absent_cluster_and_a_silent_pair_are_named() -> None:
    north = ClusterReport("north", reason="cannot be connected to.", fix="start it.")
    found = replace(result(CUT, reports=(*REPORTS, north)), problems=(("west", "west/w -> east/w: nothing passes"),))
    text = rehearse_table(found)
    assert "absent: north: cannot be connected to. Fix: start it." in text
    assert "problem: west: west/w -> east/w: nothing passes" in text
    assert "next: run verify" in text
    assert messages(found)["north"] == "north: cannot be connected to. Fix: start it."
    assert set(messages(found)) == {"north", "west"}


def test_nothing_at_all_still_makes_a_report() -> None:
    assert rehearse_table(result()) == "rehearse: nothing rehearsed; 2 clusters, 7 requests, 61 s"


def test_the_file_holds_everything_and_replaces_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "rehearse.json"
    write(result(), str(path))
    assert write(result(CUT), str(path)) == str(path)
    found = json.loads(path.read_text())
    assert path.stat().st_mode & 0o777 == 0o644
    assert [entry.name for entry in path.parent.iterdir()] == ["rehearse.json"]
    assert found["ok"]
    assert found["totals"] == {"met": 1, "missed": 0, "reported": 0, "skipped": 0, "unknown": 0}
    (row,) = found["repetitions"]
    assert (row["scenario"], row["cluster"], row["where"], row["state"]) == ("gateway_cut", "east", "g", "met")
    assert (row["during"]["lost"], row["during"]["gap"], row["after"]["lost"]) == (42, 431.0, 0)
    (stream,) = row["during"]["streams"]
    assert (stream["source"], stream["target"], stream["survived"]) == ("east/w", "west/w", True)
    assert stream["seen"] == [stream["address"]]
    assert found["scenarios"][0]["median_gap"] == 431.0
