# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Three misses end a way's use, five answers bring it back."""

from __future__ import annotations

from clusterset_agent.liveness import HOLD, MISSES, Liveness


def answered() -> Liveness:
    way = Liveness()
    way.tick()
    assert way.answer(0.01)
    return way


def test_the_first_answer_makes_it_alive() -> None:
    assert answered().up is True


def test_it_dies_after_three_misses_and_says_so_once() -> None:
    way = answered()
    changes = [way.tick() for _probe in range(MISSES + 3)]
    assert way.up is False
    assert changes.count(True) == 1
    assert changes.index(True) == MISSES, "the first tick only sends; then three go without an answer"


def test_one_late_answer_does_not_bring_a_dead_way_back() -> None:
    way = answered()
    for _probe in range(MISSES + 1):
        way.tick()
    changes = []
    for _probe in range(HOLD):
        changes.append(way.answer(0.01))
        way.tick()
    assert changes == [False] * (HOLD - 1) + [True]


def test_a_miss_in_between_begins_the_hold_anew() -> None:
    way = answered()
    for _probe in range(MISSES + 1):
        way.tick()
    for _probe in range(HOLD - 1):
        way.answer(0.01)
        way.tick()
    way.tick()  # unanswered
    assert way.answer(0.01) is False
    assert way.up is False


def test_round_trips_are_smoothed() -> None:
    way = answered()
    way.answer(0.11)
    assert way.round_trip is not None
    assert 0.01 < way.round_trip < 0.11


def test_a_near_way_that_misses_is_asked_more_often_until_it_is_known_to_be_dead() -> None:
    way = answered()
    assert not way.suspect
    way.tick()
    way.tick()
    assert way.suspect
    for _probe in range(MISSES):
        way.tick()
    assert way.up is False
    assert not way.suspect


def test_a_far_way_is_given_its_time() -> None:
    way = Liveness()
    way.tick()
    way.answer(0.25)
    way.tick()
    way.tick()
    assert way.missed == 1
    assert not way.suspect
