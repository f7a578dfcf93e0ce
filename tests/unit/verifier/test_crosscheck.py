# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's half against the pods' half: real verifiers in namespaces, without an API server between."""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import replace
from typing import Any, cast

import pytest

from ansible_collections.clusterset.fabric.plugins.module_utils.status.crosscheck import Checker, Pairs
from ansible_collections.clusterset.fabric.plugins.module_utils.status.evidence import Evidence, LinkState
from ansible_collections.clusterset.fabric.plugins.module_utils.status.meeting import Arrival, Meeting
from ansible_collections.clusterset.fabric.plugins.module_utils.status.stage import Stage
from ansible_collections.clusterset.fabric.plugins.module_utils.status.types import CHECKS, Options, Pair, Place

from .conftest import ASK, TOKEN, Net

pytestmark = pytest.mark.root
LEFT = Place("left", "", "left", gateway=True, address="10.77.1.2")
RIGHT = Place("right", "", "right", gateway=True, address="10.77.2.2")
OPTIONS = Options({}, connections=40, bulk_bytes=200_000)


class Wire:
    """Takes the place of a Stage: asks the pod inside its namespace instead of through an API server."""

    def __init__(self, net: Net) -> None:
        self.net = net

    async def check(self, place: Place, request: dict[str, Any], *, timeout: float) -> dict[str, Any]:
        text = json.dumps({**request, "token": TOKEN})
        run = self.net.run
        answer = await asyncio.to_thread(run, place.pod, sys.executable, "-c", ASK, text=text)
        return cast(dict[str, Any], json.loads(answer))


def evidence(name: str, peer: str, tunnel: str) -> Evidence:
    """A cluster of one gateway, `gw`, whose tunnel address is the router's on its side."""
    link = LinkState("gw", peer, "gw", "Up")
    agents = {"gw": True, "": True}
    tunnels = {"gw": tunnel, "": "10.77.9.9"}
    ids = frozenset({name, peer})
    return Evidence(name, name, "Active", (), ("gw",), tunnels, {}, agents, frozenset({peer}), (link,), ipv6=ids)


async def crossed(net: Net, here: Place = LEFT, there: Place = RIGHT) -> Pair:
    """The pair left -> right after all steps."""
    left, right = evidence("left", "right", "10.77.1.1"), evidence("right", "left", "10.77.2.1")
    meeting = Meeting(["left", "right"])
    meeting.arrive("left", Arrival((here,), left))
    meeting.arrive("right", Arrival((there,), right))
    checker = Checker(cast(Stage, Wire(net)), left, meeting, OPTIONS)
    pairs: Pairs = {}
    await checker.light([here], "right", pairs)
    await checker.heavy([here], "right", pairs)
    await checker.explain([here], "right", pairs)
    return pairs[here.label, there.label]


async def test_a_good_way_is_good_in_both_halves(net: Net) -> None:
    pair = await crossed(net)
    assert pair.state == "ok", pair
    assert [check.name for check in pair.checks] == list(CHECKS)
    assert pair.milliseconds
    assert pair.hop == ""


async def test_ipv6_is_checked_like_ipv4(net: Net) -> None:
    left = replace(LEFT, address="fd77:1::2", family="IPv6")
    right = replace(RIGHT, address="fd77:2::2", family="IPv6")
    pair = await crossed(net, left, right)
    assert pair.state == "ok", pair
    assert [check.name for check in pair.checks] == list(CHECKS)
    net.nft("table ip6 t { chain c { type nat hook postrouting priority 100; oifname right masquerade; }; }")
    pair = await crossed(net, left, right)
    assert pair.failed == ("source",)
    assert "fd77:2::1" in pair.evidence[0]


async def test_a_masqueraded_way_names_whose_address_was_seen(net: Net) -> None:
    net.nft("table ip t { chain c { type nat hook postrouting priority 100; oifname right masquerade; }; }")
    pair = await crossed(net)
    assert pair.failed == ("source",)
    assert pair.hop == "masquerading in right"
    assert pair.evidence[0] == "seen as 10.77.2.1, the tunnel address of right/gw"


async def test_a_dead_way_skips_the_load_and_names_the_segment(net: Net) -> None:
    net.nft("table ip t { chain c { type filter hook forward priority 0; drop; }; }")
    pair = await crossed(net)
    assert set(pair.failed) == {"icmp", "tcp", "udp"}
    assert {check.name for check in pair.checks if check.state == "skipped"} == {
        "source",
        "large",
        "bulk",
        "connections",
    }
    # the router itself answers, so both gateways do: what is left is the way behind them
    assert pair.hop == "gateways of right -> right"
