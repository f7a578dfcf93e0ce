# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which gateways are drained, and what is refused before any node is marked."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from ansible_collections.clusterset.fabric.plugins.module_utils.facts.types import Node
from ansible_collections.clusterset.fabric.plugins.module_utils.plan.build import RefusedError
from ansible_collections.clusterset.fabric.plugins.module_utils.plan.draining import Crew, choose


def crew(states: Mapping[str, str], *nodes: Node) -> Crew:
    """Gateways with these states on ready nodes, and the nodes given."""
    found = {name: Node(name, ready=True) for name in (*states, "worker")}
    return Crew({**found, **{node.name: node for node in nodes}}, states)


BOTH = {"east": crew({"e1": "Active", "e2": "Active"}), "west": crew({"w1": "Active", "same": "Drained"})}


def test_names_with_and_without_their_cluster() -> None:
    assert choose(["east/e1", "e1"], BOTH, "drained") == {"east": ("e1",)}
    assert choose(["same", "e2"], BOTH, "active") == {"east": ("e2",), "west": ("same",)}


@pytest.mark.parametrize(
    ("named", "crews", "words"),
    [
        (["west/e1"], BOTH, ["'west/e1'", "name a gateway: east/e1, east/e2, west/same, west/w1"]),
        (["e9"], {}, ["'e9'", "run the links role first"]),
        (["worker"], BOTH, ["east and west both have a node 'worker'", "east/worker or west/worker"]),
        (["east/worker"], BOTH, ["east: ", "worker is no gateway", "e1, e2"]),
        (["e1", "e2"], BOTH, ["east: no active gateway would be left without e1 and e2", "fabric_gateway_count"]),
        (["w1"], BOTH, ["west: no active gateway would be left without w1"]),
        (["e1"], {"east": crew({"e1": "Active", "e2": ""})}, ["no active gateway would be left"]),
        (["e1"], {"east": crew({"e1": "Active", "e2": "Active"}, Node("e2"))}, ["no active gateway would be left"]),
        (
            ["e1"],
            {"east": crew({"e1": "Active", "e2": "Active"}, Node("e2", ready=True, draining=True))},
            ["no active gateway would be left"],
        ),
    ],
)
def test_what_cannot_be_drained_is_named_with_a_fix(
    named: list[str], crews: Mapping[str, Crew], words: list[str]
) -> None:
    with pytest.raises(RefusedError) as caught:
        choose(named, crews, "drained")
    assert all(word in str(caught.value) for word in [*words, "Fix:"]), str(caught.value)


def test_all_reasons_come_at_once() -> None:
    with pytest.raises(RefusedError) as caught:
        choose(["nope", "w1", "worker"], BOTH, "drained")
    assert len(caught.value.errors) == 3


def test_what_is_drained_already_may_be_named_again() -> None:
    alone = {"east": crew({"e1": "Drained"})}
    assert choose(["e1"], alone, "drained") == {"east": ("e1",)}


def test_a_cordoned_gateway_cannot_be_active() -> None:
    crews = {"east": crew({"e1": "Drained"}, Node("e1", ready=True, cordoned=True))}
    with pytest.raises(RefusedError, match=r"e1 is cordoned.*kubectl uncordon e1"):
        choose(["e1"], crews, "active")
