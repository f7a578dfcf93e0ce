# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Three misses end a way's use, five answers bring it back."""

from __future__ import annotations

import itertools

from clusterset_agent.liveness import HOLD, MISSES, Liveness

CLOCK = itertools.count(1.0, 0.2)


def tick(way: Liveness) -> bool:
    return way.tick(next(CLOCK))


def answer(way: Liveness, round_trip: float) -> bool:
    return way.answer(round_trip, next(CLOCK))


def answered() -> Liveness:
    way = Liveness()
    tick(way)
    assert answer(way, 0.01)
    return way


def test_the_first_answer_makes_it_alive() -> None:
    assert answered().up is True


def test_it_dies_after_three_misses_and_says_so_once() -> None:
    way = answered()
    changes = [tick(way) for _probe in range(MISSES + 3)]
    assert way.up is False
    assert changes.count(True) == 1
    assert changes.index(True) == MISSES, "the first tick only sends; then three go without an answer"


def test_one_late_answer_does_not_bring_a_dead_way_back() -> None:
    way = answered()
    for _probe in range(MISSES + 1):
        tick(way)
    changes = []
    for _probe in range(HOLD):
        changes.append(answer(way, 0.01))
        tick(way)
    assert changes == [True] + [False] * (HOLD - 2) + [True], "the first answer is news, but not enough"


def test_a_miss_in_between_begins_the_hold_anew() -> None:
    way = answered()
    for _probe in range(MISSES + 1):
        tick(way)
    for _probe in range(HOLD - 1):
        answer(way, 0.01)
        tick(way)
    tick(way)  # unanswered
    for _probe in range(HOLD - 1):
        answer(way, 0.01)
        assert way.up is False
        tick(way)
    assert answer(way, 0.01) is True
    assert way.up is True


def test_round_trips_are_smoothed() -> None:
    way = answered()
    answer(way, 0.11)
    assert way.round_trip is not None
    assert 0.01 < way.round_trip < 0.11


def test_a_near_way_that_misses_is_asked_more_often_until_it_is_known_to_be_dead() -> None:
    way = answered()
    assert not way.suspect
    tick(way)
    tick(way)
    assert way.suspect
    for _probe in range(MISSES):
        tick(way)
    assert way.up is False
    assert not way.suspect


def test_a_far_way_is_given_its_time() -> None:
    way = Liveness()
    tick(way)
    answer(way, 0.25)
    tick(way)
    tick(way)
    assert way.missed == 1
    assert not way.suspect


def test_a_verdict_tells_how_long_ago() -> None:
    way = Liveness()
    way.tick(10.0)
    way.answer(0.1, 10.1)
    way.tick(10.2)
    way.tick(10.4)
    way.tick(10.5)
    verdict = way.verdict(10.6)
    assert verdict.up
    assert (round(verdict.up_for, 3), round(verdict.answered, 3), round(verdict.missing, 3)) == (0.5, 0.6, 0.4)
    way.tick(10.6)
    assert way.verdict(10.6)[:2] == (False, 0.0)


def test_a_late_answer_tells_of_the_time_of_its_question() -> None:
    way = Liveness()
    way.tick(10.0)
    way.answer(0.3, 10.3)
    assert round(way.verdict(10.4).answered, 3) == 0.4
