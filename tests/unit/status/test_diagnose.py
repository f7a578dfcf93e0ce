# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The broken hop is told from measurements and objects, each kind of fault by its own signs."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.clusterset.fabric.plugins.module_utils.facts.types import Node
from ansible_collections.clusterset.fabric.plugins.module_utils.status.diagnose import explain
from ansible_collections.clusterset.fabric.plugins.module_utils.status.evidence import Evidence, LinkState
from ansible_collections.clusterset.fabric.plugins.module_utils.status.types import CHECKS, Check, Pair, Place


def cluster(name: str, peer: str, number: int) -> Evidence:
    """A healthy cluster: gateway `gw`, worker `w`, one link that is up."""
    return Evidence(
        cluster=name,
        cluster_id=f"{name}-id",
        state="Active",
        nodes=tuple(Node(node, internal=(f"172.30.{number}.{at}",)) for at, node in enumerate(("gw", "w"), 1)),
        gateways=("gw",),
        tunnels={"gw": f"10.248.{number}.1", "w": f"10.248.{number}.2"},
        agents={"gw": True, "w": True},
        peers=frozenset({f"{peer}-id"}),
        links=(LinkState("gw", f"{peer}-id", "gw", "Up", "2026-01-01T00:00:00Z"),),
    )


WEST, EAST = cluster("west", "east", 4), cluster("east", "west", 8)
FROM, TO = Place("west", "w", "verify-0"), Place("east", "w", "verify-0")
ALL_ANSWER = {"west/gw": True, "east/gw": True}


def pair(*failed: str, seen: tuple[str, ...] = ()) -> Pair:
    checks = tuple(Check(name, "failed" if name in failed else "ok", seen=seen) for name in CHECKS)
    return Pair(FROM, TO, "failed", checks)


def lost() -> Pair:
    basic = ("icmp", "tcp", "udp")
    return Pair(FROM, TO, "failed", tuple(Check(name, "failed" if name in basic else "skipped") for name in CHECKS))


@pytest.mark.parametrize(
    ("reach", "hop"),
    [
        ({"west/gw": False, "east/gw": False}, "west/w -> gateways of west"),
        ({"west/gw": True, "east/gw": False}, "link west -> east"),
        (ALL_ANSWER, "gateways of east -> east/w"),
        ({}, "somewhere between west/w and east/w"),
    ],
)
def test_a_dead_way_ends_at_the_first_gateway_that_does_not_answer(reach: dict[str, bool], hop: str) -> None:
    found, evidence = explain(lost(), WEST, EAST, reach)
    assert found == hop
    assert [line for line in evidence if "does not answer" in line] == [
        f"gateway {label} does not answer pings" for label, answered in reach.items() if not answered
    ]


def test_a_link_that_is_down_is_named_with_its_last_handshake() -> None:
    west = replace(WEST, links=(LinkState("gw", "east-id", "gw", "Down", "2026-01-01T00:00:00Z"),))
    hop, evidence = explain(lost(), west, EAST, {"west/gw": True, "east/gw": False})
    assert hop.startswith("link west -> east")
    assert "link west/gw -> east/gw is Down, last handshake 2026-01-01T00:00:00Z" in evidence


@pytest.mark.parametrize(
    ("west", "east", "words"),
    [
        (Evidence("west"), EAST, "west has no links"),
        (WEST, Evidence("east"), "east has no links"),
        (replace(WEST, peers=frozenset()), EAST, "west has no Peer east-id"),
        (WEST, replace(EAST, peers=frozenset()), "east has no Peer west-id"),
        (WEST, replace(EAST, state="Leaving"), "east is leaving"),
    ],
)
def test_clusters_that_are_not_joined_are_told_so(west: Evidence, east: Evidence, words: str) -> None:
    assert words in explain(lost(), west, east, ALL_ANSWER)[0]


@pytest.mark.parametrize(
    ("seen", "where", "owner"),
    [
        ("10.248.4.2", "masquerading in west", "tunnel address of west/w"),
        ("172.30.8.1", "masquerading in east", "address of node east/gw"),
        ("192.0.2.7", "masquerading between west/w and east/w", "which nobody owns"),
    ],
)
def test_the_one_who_masquerades_is_named(seen: str, where: str, owner: str) -> None:
    hop, evidence = explain(pair("source", seen=(seen,)), WEST, EAST, ALL_ANSWER)
    assert hop == where
    assert seen in evidence[0]
    assert owner in evidence[0]


@pytest.mark.parametrize(
    ("failed", "words"),
    [
        (("large",), "packet size"),
        (("large", "bulk"), "packet size"),
        (("connections",), "one of several paths"),
        (("icmp",), "a filter"),
        (("tcp",), "a filter or an asymmetric return"),
        (("udp",), "a filter"),
    ],
)
def test_a_way_that_passes_some_things_is_told_by_what_it_stops(failed: tuple[str, ...], words: str) -> None:
    hop, evidence = explain(pair(*failed), WEST, EAST, ALL_ANSWER)
    assert hop.startswith(words)
    assert evidence


def test_agents_that_are_absent_unready_or_complain_are_evidence() -> None:
    west = replace(WEST, agents={"gw": False}, complaints={"gw": "no /dev/net/tun"})
    evidence = explain(lost(), west, EAST, ALL_ANSWER)[1]
    assert "no agent runs on west/w" in evidence
    assert "the agent on west/gw is not ready" in evidence
    assert "the agent on west/gw says: no /dev/net/tun" in evidence


def test_inside_a_cluster_the_network_plugin_is_at_fault() -> None:
    inside = replace(lost(), target=Place("west", "gw", "verify-1"))
    assert explain(inside, WEST, WEST, {})[0] == "network plugin of west"


def test_between_spokes_the_links_to_the_hub_are_looked_at() -> None:
    west = replace(WEST, via={"east-id": "hub-id"}, links=(LinkState("gw", "hub-id", "h", "Up", driver="vxlan"),))
    east = replace(EAST, via={"west-id": "hub-id"}, links=(LinkState("gw", "hub-id", "h", "Down", driver="vxlan"),))
    hop, evidence = explain(lost(), west, east, {"west/gw": True, "east/gw": False})
    assert hop == "link west -> hub-id -> east"
    assert "vxlan link east/gw -> hub-id/h is Down" in evidence


def test_a_drained_gateway_and_what_a_link_says_of_itself_are_evidence() -> None:
    sick = LinkState("gw", "east-id", "gw", "Down", message="packets of 1420 bytes are lost")
    evidence = explain(lost(), replace(WEST, states={"gw": "Drained"}, links=(sick,)), EAST, ALL_ANSWER)[1]
    assert "gateway west/gw is Drained" in evidence
    assert "link west/gw -> east/gw is Down, never a handshake: packets of 1420 bytes are lost" in evidence
