# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a rotation stands is told from what the clusters hold, wherever it was cut off."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from ansible_collections.clusterset.fabric.plugins.module_utils.errors import FabricError
from ansible_collections.clusterset.fabric.plugins.module_utils.plan.build import build_plan
from ansible_collections.clusterset.fabric.plugins.module_utils.plan.rotation import (
    Rotation,
    decide,
    introduced,
    only,
    rolled_back,
)
from ansible_collections.clusterset.fabric.plugins.module_utils.plan.types import Plan
from tests.unit.plan.samples import facts, model

NOW = datetime(2026, 3, 31, 12, tzinfo=UTC)
Held = tuple[int, ...]


def plan(*held: Held, since: str = "", joined: str = "") -> Plan:
    hosts = ("east", "north", "west")[: len(held)]
    made = build_plan([model(host) for host in hosts], {host: facts(host) for host in hosts})
    clusters = [
        replace(cluster, key_generations=numbers, keys_since=since, joined=joined)
        for cluster, numbers in zip(made.clusters, held, strict=True)
    ]
    return replace(made, clusters=tuple(clusters))


def decision(how: str, *held: Held) -> Rotation:
    return decide(plan(*held), how, older_than=timedelta(0), now=NOW)


@pytest.mark.parametrize(
    ("how", "held", "verb", "target"),
    [
        ("rotate", ((0,), (0,)), "begin", 1),
        ("rotate", ((0,), (0, 1)), "resume", 1),
        ("rotate", ((0, 1), (0, 1)), "resume", 1),
        ("rotate", ((0, 1), (1,)), "resume", 1),
        ("rotate", ((1,), (1,)), "begin", 2),
        ("rotate", ((0,), (1,)), "resume", 1),
        ("rotate", ((0,), (2,)), "resume", 2),
        ("rollback", ((0, 1), (0,)), "rollback", 0),
        ("rollback", ((4, 5), (4, 5)), "rollback", 4),
        ("rollback", ((1,), (1,)), "nothing", 1),
        ("revoke", ((0,), (0,)), "revoke", 1),
        ("revoke", ((0, 1), (0, 1)), "revoke", 1),
        ("revoke", ((0,), (1,)), "revoke", 1),
    ],
)
def test_what_is_to_be_done(how: str, held: tuple[Held, ...], verb: str, target: int) -> None:
    found = decision(how, *held)
    assert (found.verb, found.target) == (verb, target)
    assert found.reason


def test_after_one_cluster_has_given_up_the_old_keys_there_is_no_way_back() -> None:
    with pytest.raises(FabricError, match="no way back to the old keys: east only hold generation 1") as caught:
        decision("rollback", (1,), (0, 1))
    assert "fabric_rotate: rotate" in caught.value.fix


@pytest.mark.parametrize(
    ("since", "joined", "days", "verb"),
    [
        ("2026-03-30T12:00:00Z", "2020-01-01T00:00:00Z", 30, "nothing"),
        ("2026-01-01T12:00:00Z", "2020-01-01T00:00:00Z", 30, "begin"),
        ("", "2026-03-30T12:00:00Z", 30, "nothing"),
        ("", "2026-01-01T12:00:00+01:00", 30, "begin"),
        ("", "", 30, "begin"),
        ("yesterday", "", 30, "begin"),
        ("2026-03-31T12:00:00Z", "", 0, "begin"),
    ],
)
def test_keys_are_rotated_by_age(since: str, joined: str, days: int, verb: str) -> None:
    found = decide(plan((3,), (3,), since=since, joined=joined), "rotate", older_than=timedelta(days=days), now=NOW)
    assert found.verb == verb


def test_what_is_under_way_is_gone_on_with_however_young_the_keys_are() -> None:
    young = plan((3,), (3, 4), since="2026-03-31T11:00:00Z")
    assert decide(young, "rotate", older_than=timedelta(days=90), now=NOW).verb == "resume"


@pytest.mark.parametrize(("held", "then"), [((0,), (0, 1)), ((0, 1), (0, 1)), ((1,), (1,))])
def test_introducing_can_be_repeated(held: Held, then: Held) -> None:
    (cluster,) = plan(held, since="before").clusters
    found = introduced(cluster, 1, NOW)
    assert found.key_generations == then
    assert found.keys_since == ("2026-03-31T12:00:00Z" if held == (0,) else "before")
    assert introduced(found, 1, NOW + timedelta(days=1)) == found


def test_a_generation_that_nobody_else_holds_is_dropped() -> None:
    (cluster,) = plan((0,)).clusters
    assert introduced(cluster, 2, NOW).key_generations == (2,)


def test_retiring_and_rolling_back() -> None:
    (cluster,) = plan((0, 1), since="introduced").clusters
    retired, back = only(cluster, 1, NOW), rolled_back(cluster, 0, NOW)
    assert (retired.key_generations, retired.keys_since) == ((1,), "introduced")
    assert (back.key_generations, back.keys_since) == ((0,), "")
    assert only(cluster, 2, NOW).keys_since == "2026-03-31T12:00:00Z"
