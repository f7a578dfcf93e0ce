# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Gateways behind a translation of addresses: nobody can call them, so they call, and may move while they do."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from . import netlab
from .netlab import LAN, NODE, ROUTER, Net, Topology
from .topology import pair

pytestmark = [pytest.mark.root, pytest.mark.timeout(300)]

EAST_POD, FAR_POD = NODE["e3"].pod_address, NODE["w3"].pod_address
FIRST, SECOND = "192.0.2.200", "192.0.2.201"


@pytest.fixture(scope="module")
def net(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Net]:
    """West is behind a router that lets nothing in by itself; its peers know no endpoint of it."""
    for net in netlab.made(tmp_path_factory.mktemp("net"), Topology(pair(LAN))):
        net.join()
        yield net


def callers(net: Net) -> set[str]:
    """Addresses from which east's gateways see west's links come."""
    return {told.partition(":")[0] for name in ("e1", "e2") for told in net.wg(NODE[name], "show all endpoints")}


def test_both_directions_carry_and_only_the_router_is_seen_outside(net: Net) -> None:
    assert net.connect("e3p", FAR_POD) == EAST_POD
    assert net.connect("w3p", EAST_POD) == FAR_POD
    assert net.call("e3p", FAR_POD).lost == 0
    assert callers(net) == {FIRST}


def test_links_survive_another_public_address_of_the_router(net: Net) -> None:
    with net.streaming("e3p", FAR_POD) as outcome:
        net.inside(ROUTER, "ip", "addr", "add", f"{SECOND}/24", "dev", "eth0")
        net.inside(ROUTER, "ip", "addr", "del", f"{FIRST}/24", "dev", "eth0")
        net.inside(ROUTER, "ip", "addr", "replace", f"{SECOND}/24", "dev", "eth0")
        time.sleep(1.2)
    assert outcome[0].gap < 1.0
    assert outcome[0].seen == EAST_POD
    assert callers(net) == {SECOND}
    assert net.connect("w3p", EAST_POD) == FAR_POD
