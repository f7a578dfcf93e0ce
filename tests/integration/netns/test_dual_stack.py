# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pods with both families reach each other by both, under their own addresses; the tests go on from each other."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator

import pytest

from . import netlab
from .dual import RANGES6, add_ipv6, pod6, settled6
from .netlab import NODE, NODES, STREAM, Net, wait

pytestmark = [pytest.mark.root, pytest.mark.timeout(300)]

EAST_POD, WEST_POD, FAR_POD = (pod6(NODE[name]) for name in ("e3", "w1", "w3"))
SETTINGS = ("net.ipv6.conf.all.forwarding", "net.ipv6.conf.eth0.accept_ra", "net.ipv6.fib_multipath_hash_policy")


@pytest.fixture(scope="module")
def net(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Net]:
    for net in netlab.made(tmp_path_factory.mktemp("net")):
        add_ipv6(net, "east", "west")
        yield net


@pytest.fixture(scope="module")
def before(net: Net) -> dict[str, list[str]]:
    """What each node's kernel held of IPv6 before the agents came."""
    return {node.name: kernel6(net, node.name) for node in NODES}


@pytest.fixture(scope="module")
def joined(net: Net, before: dict[str, list[str]]) -> Net:
    net.join()
    wait(lambda: settled6(net))
    return net


def kernel6(net: Net, node: str) -> list[str]:
    """Addresses, routes, neighbours, rules and settings of IPv6 in words that can be compared."""
    questions = ("ip -6 route show table all", "ip -o -6 addr", "ip -6 neigh show nud permanent", "nft list tables")
    lines = [line for words in questions for line in net.inside(node, *words.split()).splitlines()]
    lines += net.inside(node, "sysctl", *SETTINGS).splitlines()
    # what the kernel gives each device by itself comes and goes with it, and takes a moment
    return sorted(
        line for line in lines if "fe80::" not in line and "ff00::/8" not in line and "ip clusterset" not in line
    )


def test_pods_reach_each_other_under_their_own_addresses(joined: Net) -> None:
    for pod in (WEST_POD, FAR_POD):
        assert joined.call("e3p", pod).seen == EAST_POD
        assert joined.connect("e3p", pod) == EAST_POD
    assert joined.call("w1p", EAST_POD).seen == WEST_POD
    assert joined.connect("w1p", EAST_POD) == WEST_POD
    assert joined.connect("w3p", EAST_POD) == FAR_POD
    assert joined.connect("e3p", NODE["w3"].pod_address) == NODE["e3"].pod_address


@pytest.mark.parametrize("gateway", ["e1", "e2"])
def test_answers_may_take_another_gateway_than_questions(joined: Net, gateway: str) -> None:
    hops = joined.inside("e3", "ip", "-6", "route", "show", RANGES6["west"][0], "proto", "111")
    chosen = next(word for word in hops.split() if word.endswith({"e1": "f8:402", "e2": "f8:401"}[gateway]))
    joined.inside("e3", "ip", "-6", "route", "add", f"{WEST_POD}/128", "via", chosen, "dev", "fab0")
    try:
        assert joined.connect("w1p", EAST_POD) == WEST_POD
        assert joined.connect("e3p", WEST_POD) == EAST_POD
    finally:
        joined.inside("e3", "ip", "-6", "route", "del", f"{WEST_POD}/128")


def test_nodes_reach_pods_and_are_closed_themselves(joined: Net) -> None:
    mapped = "fd0f:ab1c:5e70::af8:403"
    assert joined.inside("e3", sys.executable, STREAM, "connect", FAR_POD, "2").strip() == mapped
    joined.spawn("e1", sys.executable, STREAM, "serve")
    time.sleep(0.3)
    assert joined.connect("w1p", "fd0f:ab1c:5e70::af8:401", times=1) == "-"
    inside = joined.inside("e3", sys.executable, STREAM, "connect", "fd0f:ab1c:5e70::af8:401", "1")
    assert inside.strip() == mapped, "the other nodes of its own cluster reach it"


def test_a_dead_gateway_is_out_of_use_within_a_second(joined: Net) -> None:
    gaps: list[float] = []
    while len(gaps) < 3 and not (gaps and gaps[-1] < 1.0):  # other work may hold up one try, not each of them
        wait(lambda: settled6(joined))
        with joined.streaming("e3p", FAR_POD) as outcome:
            joined.inside("switch", "ip", "link", "set", "w1", "down")
            time.sleep(1.6)
        joined.inside("switch", "ip", "link", "set", "w1", "up")
        assert outcome[0].seen == EAST_POD
        gaps.append(outcome[0].gap)
    assert gaps[-1] < 1.0, gaps


def restarted(net: Net) -> tuple[str, list[str], int]:
    """What an agent's restart changed in the kernel, what the agent tells of it, and what a stream lost meanwhile."""
    wait(lambda: settled6(net))
    time.sleep(1.0)
    heard = net.folder / "heard.txt"
    with heard.open("wb") as out:
        watchers = [
            net.spawn("w1", "ip", "-6", "monitor", "link", "address", "route", stdout=out),
            net.spawn("w1", "nft", "monitor", stdout=out, stderr=out),
        ]
        net.stop_agent("w1")
        started = len(net.log("w1"))
        net.agents["w1"] = net.program(NODE["w1"], "node")
        answers = net.call("w1p", EAST_POD, 3.0)
        for watcher in watchers:
            watcher.terminate()
    told = [line["changes"] for line in net.log("w1")[started:] if line["message"] == "kernel changed"]
    return heard.read_text(), told, answers.lost


def test_a_restart_changes_nothing_and_interrupts_nothing(joined: Net) -> None:
    tries = [restarted(joined)]
    while len(tries) < 3 and tries[-1] != ("", [], 0):  # other work on the machine may make a way look dead
        tries.append(restarted(joined))
    assert tries[-1] == ("", [], 0), tries


def test_what_others_break_is_put_right(joined: Net) -> None:
    joined.inside("w3", "nft", "delete", "table", "ip6", "clusterset_fabric")
    joined.inside("w3", "ip", "-6", "route", "flush", "proto", "111")
    joined.inside("w3", "ip", "link", "set", "fab0", "down")  # which takes its IPv6 addresses along
    joined.inside("w3", "ip", "link", "set", "fab0", "up")
    wait(lambda: "ip6 clusterset_fabric" in joined.inside("w3", "nft", "list", "tables"))
    wait(lambda: settled6(joined))
    assert joined.connect("w3p", EAST_POD) == FAR_POD


def test_a_node_whose_cluster_has_it_no_longer_keeps_nothing_of_it(joined: Net, before: dict[str, list[str]]) -> None:
    had = joined.topology.more.pop("east")
    joined.retell(NODE["e3"])
    wait(lambda: kernel6(joined, "e3") == before["e3"])
    assert joined.connect("e3p", NODE["w3"].pod_address) == NODE["e3"].pod_address
    joined.topology.more["east"] = had
    joined.retell(NODE["e3"])
    wait(lambda: settled6(joined))
    assert joined.connect("e3p", FAR_POD) == EAST_POD


def test_undo_leaves_nothing(joined: Net, before: dict[str, list[str]]) -> None:
    for node in NODES:
        joined.stop_agent(node.name)
    undoing = [joined.program(node, "undo") for node in NODES]
    assert [process.wait(30) for process in undoing] == [0] * len(NODES)
    wait(lambda: not [name for name in before if "fab" in "".join(kernel6(joined, name))], 5)
    assert {name: kernel6(joined, name) for name in before} == before
