# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The matrix, the failures, who is blamed, and the file."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from ansible_collections.clusterset.fabric.plugins.module_utils.report.verify_json import write
from ansible_collections.clusterset.fabric.plugins.module_utils.report.verify_table import messages, verify_table
from ansible_collections.clusterset.fabric.plugins.module_utils.status.types import (
    Check,
    ClusterReport,
    NameAnswer,
    Pair,
    Place,
    Verification,
)

EAST, WEST, NORTH = Place("east", "e", "p"), Place("west", "w", "p"), Place("north", "", "")
GOOD = (Check("icmp", "ok", value=1.24), Check("tcp", "ok", value=9.0))
BAD = (Check("icmp", "ok", value=1.0), Check("tcp", "failed", "no answer in time"))


def result(*pairs: Pair, north: bool = False, dns: bool = True) -> Verification:
    answers = (NameAnswer(EAST, dns, "" if dns else "no answer", 3.0),)
    reports = [ClusterReport("east", places=(EAST,), names=answers), ClusterReport("west", places=(WEST,))]
    reports += [ClusterReport("north", reason="cannot be connected to.", fix="start it.")] if north else []
    return Verification(tuple(reports), pairs, 4.2, "2026-01-01T00:00:00+00:00")


def test_a_good_run_is_a_matrix_and_no_blame() -> None:
    good = result(Pair(EAST, WEST, "ok", GOOD), Pair(WEST, EAST, "ok", GOOD))
    lines = verify_table(good).splitlines()
    assert lines[0].split() == ["FROM", "\\", "TO", "east/e", "west/w"]
    assert lines[1].split() == ["east/e", "-", "ok", "1.2", "ms"]
    assert lines[-1].startswith("verify: 2 of 2 pairs ok, 0 failed, 0 unknown")
    assert "dns: east: ok from 1 nodes, slowest 3 ms" in lines
    assert messages(good) == {}


def test_a_failed_pair_is_told_with_hop_reason_and_evidence_and_blamed_on_both_ends() -> None:
    bad = Pair(EAST, WEST, "failed", BAD, hop="link east -> west", evidence=("link is Down",))
    text = verify_table(result(bad))
    assert "FAILED tcp" in text
    assert "FAILED east/e -> west/w: link east -> west" in text
    assert "    tcp: no answer in time" in text
    assert "    link is Down" in text
    blamed = messages(result(bad))
    assert set(blamed) == {"east", "west"}
    assert "link east -> west" in blamed["east"]


def test_a_dead_cluster_is_blamed_alone() -> None:
    reason = "cluster north did not take part"
    pairs = [Pair(here, NORTH, "unknown", reason=reason) for here in (EAST, WEST)]
    pairs += [Pair(NORTH, here, "unknown", reason=reason) for here in (EAST, WEST)]
    run = result(*pairs, Pair(EAST, WEST, "ok", GOOD), Pair(WEST, EAST, "ok", GOOD), north=True)
    assert messages(run) == {"north": "north: cannot be connected to. Fix: start it."}
    text = verify_table(run)
    assert "unknown 4 pairs: cluster north did not take part" in text
    assert "absent: north: cannot be connected to. Fix: start it." in text


def test_bad_names_are_a_fault_of_their_cluster() -> None:
    run = result(Pair(EAST, WEST, "ok", GOOD), dns=False)
    assert list(messages(run)) == ["east"]
    assert "dns: east: FAILED" in verify_table(run)


def test_many_places_are_summed_up_by_cluster() -> None:
    many = [Place("east", f"e{number}", "p") for number in range(9)]
    pairs = [Pair(place, WEST, "ok", GOOD) for place in many[1:]] + [Pair(many[0], WEST, "failed", BAD)]
    lines = verify_table(result(*pairs)).splitlines()
    assert lines[0].split() == ["FROM", "\\", "TO", "east", "west"]
    assert "8/9 ok, 1 FAILED" in lines[1]


def test_each_family_has_its_matrix_where_there_are_two() -> None:
    east, west = (replace(place, family="IPv6") for place in (EAST, WEST))
    lines = verify_table(result(Pair(EAST, WEST, "ok", GOOD), Pair(east, west, "failed", BAD))).splitlines()
    heads = [line.split() for line in lines if line.startswith("FROM")]
    assert heads == [
        ["FROM", "\\", "TO", "east/e", "west/w"],
        ["FROM", "\\", "TO", "IPv6", "east/e", "IPv6", "west/w", "IPv6"],
    ]
    assert any(line.startswith("FAILED east/e IPv6 -> west/w IPv6") for line in lines)


def test_the_file_is_readable_complete_and_replaced_as_a_whole(tmp_path: Path) -> None:
    target = tmp_path / "new" / "report.json"
    target.parent.mkdir()
    target.write_text("old")
    write(result(Pair(EAST, WEST, "failed", BAD, hop="h")), str(target))
    found = json.loads(target.read_text())
    assert target.stat().st_mode & 0o777 == 0o644
    assert [path.name for path in target.parent.iterdir()] == ["report.json"]
    assert found["ok"] is False
    assert found["totals"] == {"pairs": 1, "ok": 0, "failed": 1, "unknown": 0}
    assert found["pairs"][0]["from"]["cluster"] == "east"
    assert found["pairs"][0]["checks"]["tcp"]["reason"] == "no answer in time"
    assert found["clusters"][0]["dns"][0]["place"] == "east/e"
