# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must not interrupt traffic, and what must not interrupt it for long: whole agents in network namespaces."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from clusterset_agent.names import link_name, link_slot

from . import netlab
from .netlab import NODE, NODES, Net, Node, wait
from .topology import ranges

pytestmark = [pytest.mark.root, pytest.mark.timeout(300)]

GATEWAYS = [node for node in NODES if node.gateway is not None]
EAST_POD, FAR_POD = NODE["e3"].pod_address, NODE["w3"].pod_address


@pytest.fixture(scope="module")
def net(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Net]:
    for net in netlab.made(tmp_path_factory.mktemp("net")):
        net.join()
        yield net


@pytest.mark.parametrize("gateway", ["e1", "w1"])
def test_a_gateway_that_answers_but_forwards_nothing_is_out_of_use_within_a_second(net: Net, gateway: str) -> None:
    gaps: list[float] = []
    while len(gaps) < 3 and not (gaps and gaps[-1] < 1.0):  # other work may hold up one try, not each of them
        wait(net.settled)
        with net.streaming("e3p", FAR_POD) as outcome, net.fault(gateway, "drop"):
            time.sleep(1.8)
        gaps.append(outcome[0].gap)
        assert outcome[0].seen == EAST_POD
    assert gaps[-1] < 1.0, gaps


@pytest.mark.parametrize("gateway", ["e1", "w1"])
def test_what_has_healed_comes_back_without_a_loss(net: Net, gateway: str) -> None:
    wait(net.settled)
    with net.fault(gateway, "drop"):
        wait(lambda: not net.settled())
        time.sleep(0.5)
    with net.streaming("e3p", FAR_POD) as outcome:
        wait(net.settled, 5)
    assert outcome[0].lost == 0


@pytest.mark.parametrize("gateway", ["e1", "w1"])
def test_draining_moves_traffic_first(net: Net, gateway: str) -> None:
    wait(net.settled)
    with net.streaming("e3p", FAR_POD) as outcome:
        net.retell(NODE[gateway], draining=True)
        wait(lambda: quiet(net, gateway))
        with net.fault(gateway, "ip daddr { 10.41.0.0/16, 10.42.0.0/16 } drop"):  # nothing passes it any more
            time.sleep(1.0)
    assert outcome[0].lost == 0
    with net.streaming("e3p", FAR_POD) as outcome:
        net.retell(NODE[gateway], draining=False)
        wait(net.settled, 10)
    assert outcome[0].lost == 0


def quiet(net: Net, gateway: str) -> bool:
    """Whether a draining gateway has forwarded nothing for a second, by its own count."""
    count = ("nft", "list", "counter", "ip", "clusterset_fabric", "carried_while_draining")
    before = net.inside(gateway, *count, check=False)
    time.sleep(1.0)
    return bool(before) and net.inside(gateway, *count, check=False) == before


def test_keys_are_rotated_under_load_without_a_loss(net: Net) -> None:
    wait(net.settled)
    before = keys(net)
    with net.streaming("e3p", FAR_POD) as outcome, net.streaming("w3p", EAST_POD) as back:
        for generations, links in (((0, 1), 4), ((1,), 2)):
            net.topology.generations = generations
            for node in NODES:
                net.retell(node)
            wait(lambda links=links: all(interfaces(net, node.name) == links for node in GATEWAYS))
            wait(lambda number=generations[-1]: all(carries(net, node, number) for node in GATEWAYS))
    assert outcome[0].lost == 0
    assert back[0].lost == 0
    assert not before & keys(net)


def carries(net: Net, node: Node, generation: int) -> bool:
    """Whether a gateway uses the links of this generation of keys, and no others."""
    cluster = "west" if node.cluster == "east" else "east"
    names = {
        link_name("wireguard", cluster, far.name, link_slot(0, generation))
        for far in GATEWAYS
        if far.cluster == cluster
    }
    text = net.inside(node.name, "ip", "route", "show", ranges(cluster)[0], "proto", "111")
    return names == {word for word in text.split() if word.startswith("fab")}


def interfaces(net: Net, node: str) -> int:
    return net.inside(node, "ip", "-o", "link").count(": fab-")


def keys(net: Net) -> set[str]:
    """All public keys in use."""
    found = {key for node in GATEWAYS for key in net.wg(node, "show all public-key")}
    assert len(found) >= len(GATEWAYS)
    return found
