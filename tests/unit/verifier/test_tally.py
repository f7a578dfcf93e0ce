# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What counts as lost, and as a gap, with the clock given; and which datagrams are answers."""

from __future__ import annotations

import pytest

from clusterset_agent.verifier.streams import answer_of, token
from clusterset_agent.verifier.tally import Tally, summary
from clusterset_agent.verifier.wire import answer_to


def steady(answered: range, *, questions: int = 100) -> Tally:
    """A question each 10 ms from time 5 on; those of the range are answered after 2 ms."""
    tally = Tally(5.0)
    for number in range(questions):
        at = 5.0 + number / 100
        tally.ask(at, at)
        if number in answered:
            tally.answer(number, at + 0.002, "10.0.0.1")
    tally.close()
    return tally


def test_a_steady_stream_has_gaps_of_its_own_pace_only() -> None:
    tally = steady(range(100))
    assert tally.lost == 0
    assert tally.longest == pytest.approx(0.01)
    assert tally.seen == {"10.0.0.1"}


@pytest.mark.parametrize(
    ("answered", "lost", "gap"),
    [(range(50), 50, 0.498), (range(50, 100), 50, 0.502), (range(0), 100, 0.99), (range(0, 100, 4), 75, 0.04)],
)
def test_silence_counts_at_the_beginning_at_the_end_and_between(answered: range, lost: int, gap: float) -> None:
    tally = steady(answered)
    assert tally.lost == lost
    assert tally.longest == pytest.approx(gap)


def test_an_answer_counts_once_and_one_to_nothing_not_at_all() -> None:
    tally = Tally(0.0)
    tally.ask(0.0, 0.0)
    tally.ask(0.01, 0.01)
    for number in (0, 0, 7, -1):
        tally.answer(number, 0.02)
    assert (tally.sent, tally.lost) == (2, 1)


def test_how_late_questions_were_is_told() -> None:
    tally = Tally(0.0)
    tally.ask(0.3, 0.01)
    tally.ask(0.31, 0.02)
    assert tally.late == pytest.approx(0.29)


def test_flows_towards_one_target_are_summed_up_by_the_worst() -> None:
    assert summary([steady(range(100)), steady(range(50))]) == {
        "sent": 200,
        "lost": 50,
        "gap": 498.0,
        "late": 0.0,
        "seen": ["10.0.0.1"],
    }
    assert summary([])["sent"] == 0


def test_only_the_expected_pods_answers_to_this_flow_are_answers() -> None:
    question = token("0badcafe", 77)
    answer = answer_to(question, "east/w", "::ffff:10.0.0.9")
    assert answer_of(answer, "0badcafe", "east/w") == (77, "10.0.0.9")
    assert answer_of(answer, "0badcafe", "") == (77, "10.0.0.9")
    assert answer_of(answer, "0badcafe", "west/w") is None
    assert answer_of(answer, "deadbeef", "east/w") is None
    assert answer_of(b"nonsense", "0badcafe", "") is None
    assert answer_of(b"[]", "0badcafe", "") is None
