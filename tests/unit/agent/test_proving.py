# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When a new agent has proved itself."""

from __future__ import annotations

import pytest

from clusterset_agent.liveness import Liveness
from clusterset_agent.proving import SECONDS, Proving

ANSWERS = Liveness(up=True, round_trip=0.001)


@pytest.mark.parametrize(
    ("way", "passed"),
    [
        (ANSWERS, True),
        (Liveness(up=False, round_trip=0.001), False),
        (Liveness(up=True), False),  # taken for alive, but not heard of yet
        (None, True),  # nobody wants it any more
    ],
)
def test_every_way_of_the_predecessor_must_have_answered(way: Liveness | None, passed: bool) -> None:
    proving = Proving({"one", "other"}, started=100.0)
    assert proving.passed({"one": ANSWERS, "other": way}.get, 110.0) is passed


def test_a_way_that_its_predecessor_did_not_use_is_no_proof_of_anything() -> None:
    assert Proving({"one"}, started=100.0).passed({"one": ANSWERS, "new": Liveness(up=False)}.get, 101.0)


def test_after_its_time_a_dead_way_holds_up_nobody() -> None:
    proving = Proving({"one"}, started=100.0)
    dead = {"one": Liveness(up=False)}
    assert not proving.passed(dead.get, 100.0 + SECONDS - 0.1)
    assert proving.passed(dead.get, 100.0 + SECONDS)
