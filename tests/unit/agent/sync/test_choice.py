# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Gateways are chosen anew by the rule of the plan, and only where somebody has to be replaced."""

from __future__ import annotations

import random
from collections.abc import Collection, Mapping
from dataclasses import asdict, replace
from typing import Any

import pytest

from ansible_collections.clusterset.fabric.plugins.module_utils.facts.nodes import nodes as facts_of
from ansible_collections.clusterset.fabric.plugins.module_utils.facts.raw import Raw
from ansible_collections.clusterset.fabric.plugins.module_utils.facts.types import Gateway, Owned
from ansible_collections.clusterset.fabric.plugins.module_utils.plan.gateways import choose_gateways, rule_of
from clusterset_agent.sync.choice import Candidate, candidate, choose, slim
from tests.unit.plan.samples import facts, model

Object = dict[str, Any]
RULE: Object = {"count": 2, "labels": {}, "endpoints": {}}


def row(node: str, ordinal: int, endpoint: str = "") -> Object:
    return {"node": node, "ordinal": ordinal, "endpoint": endpoint or f"ip-{node}"}


def some(*names: str, **changes: Any) -> dict[str, Candidate]:
    return {name: Candidate(name, f"ip-{name}", **changes) for name in names}


def chosen(
    nodes: Mapping[str, Candidate],
    *office: Object,
    rule: Object | None = None,
    overdue: Collection[str] = (),
    taken: Mapping[str, int] | None = None,
    linked: Collection[str] | None = None,
) -> dict[str, int]:
    rows = choose(rule or RULE, office, nodes, overdue, taken or {}, nodes if linked is None else linked)
    return {each["node"]: each["ordinal"] for each in rows}


G1, G2 = row("g1", 0), row("g2", 1)


def test_those_in_office_stay_as_long_as_they_are_there_and_fit() -> None:
    assert chosen(some("a", "b", "g1", "g2"), G1, G2) == {"g1": 0, "g2": 1}
    assert chosen(some("a", "g2"), G1, G2) == {"g2": 1, "a": 2}, "an ordinal in use is not given on"
    assert chosen(some("g1"), G1, G2) == {"g1": 0}, "there is nobody else"
    assert chosen(some("g1", "late"), row("g1", 0)) == {"g1": 0, "late": 1}


def test_one_that_is_not_ready_is_replaced_after_its_grace_only_and_by_somebody_better_only() -> None:
    nodes = some("a", "g1", "g2") | some("g1", ready=False)
    assert chosen(nodes, G1, G2) == {"g1": 0, "g2": 1}
    assert chosen(nodes, G1, G2, overdue={"g1"}) == {"g2": 1, "a": 2}
    assert chosen(some("a", "g1", "g2", ready=False), G1, G2, overdue={"g1", "g2"}) == {"g1": 0, "g2": 1}


def test_who_is_replaced_leaves_when_the_others_have_links() -> None:
    nodes = some("a", "g1", "g2") | some("g1", ready=False)
    assert chosen(nodes, G1, G2, overdue={"g1"}, linked={"g1", "g2"}) == {"g1": 0, "g2": 1, "a": 2}
    three = (G1, G2, row("a", 2))
    assert chosen(nodes, *three, overdue={"g1"}, linked={"g1", "g2"}) == {"g1": 0, "g2": 1, "a": 2}
    assert chosen(nodes, *three, overdue={"g1"}, linked={"g2", "a"}) == {"g2": 1, "a": 2}
    assert chosen(nodes, *three, linked={"g2"}) == {"g1": 0, "g2": 1, "a": 2}, "it is back before the other has a link"
    moved = {"count": 1, "labels": {"edge": ""}, "endpoints": {}}
    nodes = some("g1") | some("a", labels={"edge": ""})
    assert chosen(nodes, G1, rule=moved, linked={"g1"}) == {"g1": 0, "a": 1}
    assert chosen(nodes, G1, row("a", 1), rule=moved, linked={"g1", "a"}) == {"a": 1}
    assert chosen(some("a"), G1, rule=RULE, linked=()) == {"a": 1}, "nothing is left of the node"


def test_nothing_known_of_nodes_changes_nothing() -> None:
    assert chosen({}, G1, G2) == {"g1": 0, "g2": 1}
    assert chosen(some("other"), G1, rule={**RULE, "labels": {"edge": ""}}) == {"g1": 0}


def test_the_numbers_of_those_that_leave_are_not_given_on_yet() -> None:
    assert chosen(some("a", "g1"), G1, taken={"left": 1, "g1": 0}) == {"g1": 0, "a": 2}
    full = {f"left{number}": number for number in range(1, 16)}
    assert chosen(some("a", "g1"), G1, taken=full) == {"g1": 0}


def test_named_gateways_stay_and_get_their_new_addresses() -> None:
    named = {"count": 0, "labels": {}, "endpoints": {"g2": "203.0.113.2"}}
    assert choose(named, [G1, G2], some("a", "g2"), {"g2"}, {}, ()) == [G1, row("g2", 1, "203.0.113.2")]


def test_an_address_that_is_none_replaces_nobody() -> None:
    node = {"metadata": {"name": "g1", "annotations": {"fabric.clusterset.io/endpoint": "gate.example.org"}}}
    assert choose(RULE, [G1], {"g1": candidate(node)}, (), {}, ()) == [G1]


@pytest.mark.parametrize("seed", range(40))
def test_the_choice_is_the_plans(seed: int) -> None:
    dice = random.Random(seed)
    found = [_node(dice, number) for number in range(dice.randint(1, 9))]
    names = [item["metadata"]["name"] for item in found]
    labels = {"edge": ""} if any("edge" in item["metadata"]["labels"] for item in found) and dice.random() < 0.5 else {}
    wish = model("east", gateway_count=dice.randint(1, 4), gateway_labels=labels)
    nodes = facts_of(Raw(nodes=found))
    office = {name: number for number, name in enumerate(dice.sample(names, dice.randint(0, min(3, len(names)))))}
    gateways = tuple(Gateway(name, number, (), "", "") for name, number in office.items())
    planned = choose_gateways(wish, replace(facts("east"), nodes=nodes, owned=Owned(chosen=office, gateways=gateways)))
    rule, seen = asdict(rule_of(wish)), {item["metadata"]["name"]: candidate(slim(item)) for item in found}
    overdue = [name for name in office if not seen[name].ready]
    rows = choose(rule, [row(*each) for each in office.items()], seen, overdue, office, seen)
    assert {each["node"]: each["endpoint"] for each in rows} == {each.node: each.endpoint for each in planned}
    assert {each["node"]: each["ordinal"] for each in rows} == {each.node: each.ordinal for each in planned}


def _node(dice: random.Random, number: int) -> Object:
    labels = {"topology.kubernetes.io/zone": dice.choice("abc")}
    labels |= {"edge": ""} if dice.random() < 0.5 else {}
    labels |= {"node-role.kubernetes.io/control-plane": ""} if dice.random() < 0.3 else {}
    taints = [
        {"key": "node.kubernetes.io/unreachable", "effect": "NoExecute"},
        {"key": "dedicated", "effect": "NoSchedule"},
        {"key": "dedicated", "effect": "PreferNoSchedule"},
    ]
    addresses = [
        {"type": "Hostname", "address": "n"},
        {"type": "ExternalIP", "address": f"203.0.113.{number}"},
        {"type": "InternalIP", "address": "fd00::1"},
        {"type": "InternalIP", "address": f"192.0.2.{number}"},
    ]
    notes = {"fabric.clusterset.io/endpoint": f"198.51.100.{number}"} if dice.random() < 0.3 else {}
    ready = dice.choice(("True", "True", "Unknown"))
    return {
        "metadata": {"name": f"n{number}", "labels": labels, "annotations": notes},
        "spec": {"unschedulable": dice.random() < 0.2, "taints": dice.sample(taints, dice.randint(0, 2))},
        "status": {
            "addresses": dice.sample(addresses, len(addresses)),
            "conditions": [{"type": "MemoryPressure", "status": "False"}, {"type": "Ready", "status": ready}],
        },
    }
