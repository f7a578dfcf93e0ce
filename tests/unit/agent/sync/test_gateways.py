# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a peer publishes of its gateways, as rows of its Peer; what it may not claim is left out."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.clusterset.fabric.plugins.module_utils.facts import owned
from clusterset_agent import wanted
from clusterset_agent.sync.gateways import rows_of
from clusterset_agent.wanted import parse_peer
from tests.unit.agent.samples import WEST, gateway

Object = dict[str, Any]


def published(node: str, ordinal: int, **changes: Any) -> Object:
    """A Gateway object of west."""
    spec = {**gateway(node, ordinal), "implementation": "kernel", **changes}
    return {"metadata": {"name": node, "generation": 1}, "spec": spec, "status": {"state": "Active"}}


def peer(**changes: Any) -> Object:
    return {"metadata": {"name": "west", "generation": 3}, "spec": {**WEST, **changes}}


def current(*rows: Object, **plan: Any) -> Object:
    """The status of a Peer of which ``rows`` were found since the ``plan``."""
    return {"current": {"planned": wanted.planned({**WEST, **plan}), "gateways": list(rows)}}


def test_what_is_published_as_planned_is_no_news() -> None:
    assert rows_of(peer(), [published("w2", 3), published("w1", 0)]) == (WEST["gateways"], [])


def test_agents_understand_what_is_told_of_gateways() -> None:
    keys = [{"generation": 1, "publicKey": "b"}, {"generation": 0, "publicKey": "a"}]
    rows, faults = rows_of(peer(), [published("w7", 5, keys=keys, endpoint="203.0.113.7")])
    (found,) = parse_peer({**WEST, "gateways": rows}).gateways
    assert (found.node, found.ordinal, found.endpoint, found.tunnel) == ("w7", 5, "203.0.113.7", "10.248.8.7")
    assert (found.keys, faults) == (((0, "a"), (1, "b")), [])


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"tunnelAddress": "10.248.0.1"}, "10.248.0.1 is none of 10.248.8.0/22"),
        ({"tunnelAddress": "10.248.11.250"}, "none of"),
        ({"tunnelAddress": "10.248.8.1"}, "another gateway's"),
        ({"tunnelAddress": "x"}, "gateway w9"),
        ({"ordinal": 16}, "ordinal 16"),
        ({"ordinal": 0}, "another gateway's"),
        ({"endpoint": "gateway.example.org"}, "gateway.example.org"),
        ({"endpoint": ""}, "gateway w9"),
        ({"keys": [{"generation": 0}]}, "publicKey"),
        ({"keys": [{"generation": 0, "publicKey": "a\nEndpoint = 1"}]}, "cannot be used"),
        ({"keys": [{"generation": n, "publicKey": "a"} for n in range(3)]}, "3 keys"),
        ({"node": "w9/../x"}, "cannot be used"),
        ({"node": 9}, "gateway w9"),
    ],
)
def test_what_cannot_be_used_is_left_out_and_named(changes: Object, words: str) -> None:
    rows, faults = rows_of(peer(), [published("w1", 0), published("w9", 9) | {"spec": {**gateway("w9", 9), **changes}}])
    assert [row["node"] for row in rows] == ["w1"]
    assert words in "\n".join(faults)


def test_what_is_no_gateway_at_all_stops_nobody() -> None:
    rows, faults = rows_of(peer(), [{"metadata": {"name": "w0"}}, published("w1", 0)])
    assert ([row["node"] for row in rows], len(faults)) == (["w1"], 1)


def test_of_two_with_one_number_the_known_one_has_it() -> None:
    rows, _faults = rows_of(peer(), [published("a", 3, tunnelAddress="10.248.8.9"), published("w2", 3)])
    assert [row["node"] for row in rows] == ["w2"]
    known = peer() | {"status": current(gateway("w9", 3))}
    assert [row["node"] for row in rows_of(known, [published("w2", 3), published("w9", 3)])[0]] == ["w9"]


def test_those_behind_a_nat_stay_without_endpoints() -> None:
    hidden = peer(gateways=[{**gateway("w1", 0), "endpoint": ""}])
    rows, _faults = rows_of(hidden, [published("w1", 0), published("w2", 1)])
    assert [row["endpoint"] for row in rows] == ["", ""]


@pytest.mark.parametrize("in_force", [wanted.in_force, owned.in_force])
def test_what_was_found_counts_until_other_gateways_are_planned(in_force: Any) -> None:
    newer = gateway("w9", 1)
    assert in_force(peer())["gateways"] == WEST["gateways"]
    found = peer() | {"status": current(newer)}
    assert in_force(found)["gateways"] == [newer]
    edited = {**found, "spec": {**WEST, "via": "north", "podCIDRs": []}}
    assert in_force(edited) == {**WEST, "via": "north", "podCIDRs": [], "gateways": [newer]}, (
        "gateways are as they were"
    )
    for change in ({"gateways": WEST["gateways"][:1]}, {"gatewayChoice": {"count": 0}}):
        assert in_force(peer(**change) | {"status": current(newer)}) == {**WEST, **change}, "the playbook was later"
    assert in_force(peer() | {"status": current()})["gateways"] == WEST["gateways"]
    assert in_force(peer() | {"status": {"services": {}}}) == WEST
    assert in_force({"metadata": {}, "spec": WEST, "status": {"current": {}}}) == WEST
