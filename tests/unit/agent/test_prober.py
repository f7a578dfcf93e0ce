# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is asked how often."""

from __future__ import annotations

from clusterset_agent.icmp import Answer, Echo
from clusterset_agent.prober import AT_EASE, Prober


class Wire(Echo):
    """An echo without a network: every address answers at once, unless it is in ``silent``."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.silent: set[str] = set()

    def prepare(self, payload_bytes: int = 0) -> None:
        """Nothing to make."""

    def send(self, address: str) -> bool:
        self.asked.append(address)
        return True

    def receive(self) -> list[Answer]:
        answers = [Answer(address, 0.001, 36) for address in self.asked if address not in self.silent]
        self.asked = []
        return answers


def rounds(prober: Prober, wire: Wire, count: int) -> list[int]:
    """How many were asked in each round."""
    asked = []
    for _round in range(count):
        prober.tick()
        asked.append(len(wire.asked))
    return asked


def test_a_way_that_a_longer_one_vouches_for_is_asked_seldom() -> None:
    wire = Wire()
    prober = Prober(lambda: None, wire)
    prober.follow({"short": "192.0.2.1", "long": "192.0.2.2"}, vouched={"short": ["long"]})
    rounds(prober, wire, AT_EASE)
    assert sum(rounds(prober, wire, AT_EASE)) == AT_EASE + 1


def test_it_is_asked_again_as_soon_as_the_longer_one_misses() -> None:
    wire = Wire()
    prober = Prober(lambda: None, wire)
    prober.follow({"short": "192.0.2.1", "long": "192.0.2.2"}, vouched={"short": ["long"]})
    rounds(prober, wire, 2)
    wire.silent = {"192.0.2.2"}
    assert rounds(prober, wire, 5)[-3:] == [2, 2, 2]
    assert {key: verdict.up for key, verdict in prober.verdicts.items()} == {"short": True, "long": False}


def test_only_suspects_are_asked_in_between() -> None:
    wire = Wire()
    prober = Prober(lambda: None, wire)
    prober.follow({"a": "192.0.2.1", "b": "192.0.2.2"})
    rounds(prober, wire, 2)
    wire.silent = {"192.0.2.1"}
    rounds(prober, wire, 2)
    prober.tick(suspects_only=True)
    assert wire.asked == ["192.0.2.1"]


def test_a_witness_is_asked_in_between_as_well() -> None:
    wire = Wire()
    prober = Prober(lambda: None, wire)
    prober.follow({"short": "192.0.2.1", "long": "192.0.2.2"}, vouched={"short": ["long"]})
    rounds(prober, wire, 2)
    wire.silent = {"192.0.2.2"}
    rounds(prober, wire, 2)
    prober.tick(suspects_only=True)
    assert wire.asked == ["192.0.2.1", "192.0.2.2"]
