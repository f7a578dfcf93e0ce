# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""IPv6 goes the ways of IPv4, between clusters that both have it; others do not change at all."""

from __future__ import annotations

import socket
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.clusterset.fabric.plugins.module_utils.plan import families as planned
from clusterset_agent.families import MAPPED, held, link_local
from clusterset_agent.faults import AgentError
from clusterset_agent.forwarding import Forwarding
from clusterset_agent.kernel_state import Hop, KernelState, VxlanLink, WireguardLink
from clusterset_agent.links import hop_of, links_of
from clusterset_agent.liveness import Verdict
from clusterset_agent.names import overlay_mac
from clusterset_agent.routing import Routing
from clusterset_agent.settings import read_settings
from clusterset_agent.situation import Situation
from clusterset_agent.target import carrying, kernel_state, routes
from clusterset_agent.ways import Fitness, judge

from .samples import FABRIC, WEST, gateway, situation

OWN: dict[str, Any] = {"podCIDRs": ["fd00:41::/48", *FABRIC["podCIDRs"]], "serviceCIDRs": ["fd00:141::/112"]}
WEST6: dict[str, Any] = {
    **WEST,
    "podCIDRs": [*WEST["podCIDRs"], "fd00:42::/48"],
    "serviceCIDRs": [*WEST["serviceCIDRs"], "fd00:142::/112"],
}
SECOND = link_local(overlay_mac("10.248.0.2"))


def dual(node: str, *peers: dict[str, Any], **changes: Any) -> Situation:
    return situation(node, peers=peers or (WEST6,), **OWN, **changes)


def ways6(now: Situation, *fit: str) -> tuple[Hop, ...]:
    found = {route.destination: route for route in routes(now, Fitness(frozenset(fit)))}
    return found["fd00:42::/48"].hops if "fd00:42::/48" in found else ()


def with_links(*rows: dict[str, Any]) -> dict[str, Any]:
    return {**WEST6, "links": list(rows), "gateways": [gateway("w1", 0)]}


def test_addresses_are_derived_alike_by_agent_and_plan() -> None:
    assert held("10.248.0.1", 6) == "fd0f:ab1c:5e70::af8:1"
    assert held("10.248.8.0/22", 6) == planned.mapped("10.248.8.0/22") == "fd0f:ab1c:5e70::af8:800/118"
    assert held("10.248.8.0/22", 4) == "10.248.8.0/22"
    assert planned.MAPPED == MAPPED
    assert link_local("0a:fa:0a:f8:00:01") == "fe80::8fa:aff:fef8:1"


def test_a_cluster_without_ipv6_is_the_same_whatever_its_peers_have() -> None:
    for node in ("g1", "plain"):
        assert kernel_state(situation(node, WEST6), Fitness()) == kernel_state(situation(node), Fitness())
    state = kernel_state(situation("g1", WEST6), Fitness())
    assert (state.ipv6, state.ruleset6, state.addresses) == (False, "", ("10.248.0.1",))
    assert not [route for route in state.routes if ":" in route.destination]


def test_without_a_peer_that_has_it_ipv6_is_not_carried() -> None:
    state = kernel_state(dual("g1", WEST), Fitness())
    assert not state.ipv6
    assert state.addresses == ("10.248.0.1",)


def test_the_routes_of_both_families_go_the_same_ways() -> None:
    now = dual("g1")
    one, two = links_of(now)
    assert {hop.device for hop in ways6(now, one.name, two.name)} == {one.name, two.name}
    assert ways6(now, two.name) == (Hop(two.name, link_local(overlay_mac(two.there))),)
    assert ways6(now, "10.248.0.2") == (Hop("fab0", SECOND),)
    assert ways6(dual("plain"), "10.248.0.2") == (Hop("fab0", SECOND),)
    assert ways6(replace(now, draining=True), one.name, two.name, "10.248.0.2") == (Hop("fab0", SECOND),)
    assert carrying(now, Fitness(frozenset({two.name}))) == {two.name}


def test_each_hop_of_ipv6_has_a_gateway_since_the_kernel_shares_among_such_only() -> None:
    six = [route for route in kernel_state(dual("g1"), Fitness()).routes if ":" in route.destination]
    assert all(hop.via for route in six for hop in route.hops)
    assert {route.source for route in six} == {"fd0f:ab1c:5e70::af8:1"}
    assert {route.destination for route in six} == {
        "fd00:42::/48",
        "fd00:142::/112",
        "fd0f:ab1c:5e70::af8:800/118",
        "fd0f:ab1c:5e70::af8:2/128",
        "fd0f:ab1c:5e70::af8:3/128",
    }


def test_what_may_come_by_a_link_is_of_both_families() -> None:
    link = links_of(dual("g1"))[0]
    assert isinstance(link, WireguardLink)
    assert link.allowed == (
        *("10.42.0.0/16", "10.142.0.0/16", "10.248.8.0/22"),
        *("fd00:42::/48", "fd00:142::/112", "fd0f:ab1c:5e70::af8:800/118"),
    )


def test_a_vxlan_link_knows_the_other_ends_ipv6_address() -> None:
    now = dual("g1", with_links({"driver": "vxlan", "cost": 100, "mtu": 1450}))
    (link,) = links_of(now)
    assert isinstance(link, VxlanLink)
    assert ways6(now, link.name) == (Hop(link.name, link.other_end.link_local),)
    assert {node.link_local for node in kernel_state(now, Fitness()).neighbours} > {SECOND}
    assert {node.link_local for node in kernel_state(situation("g1"), Fitness()).neighbours} == {""}


def test_a_dedicated_line_takes_ipv6_only_by_a_router_that_is_known() -> None:
    line = {"driver": "direct", "cost": 10, "mtu": 1420, "nextHop": "198.51.100.254"}
    assert ways6(dual("g1", with_links(line))) == ()
    assert ways6(dual("plain", with_links(line))) == ()
    known = {**line, "nextHop6": "2001:db8::254"}
    assert ways6(dual("g1", with_links(known))) == (Hop("eth0", "2001:db8::254"),)


def test_beside_a_line_without_ipv6_the_standby_takes_it() -> None:
    line = {"driver": "direct", "cost": 10, "mtu": 1420}
    now = dual("g1", with_links(line, {"driver": "wireguard", "cost": 100, "mtu": 1420}))
    straight, tunnel = links_of(now)
    assert {hop.device for hop in ways6(now, straight.name, tunnel.name)} == {tunnel.name}
    assert carrying(now, Fitness(frozenset({straight.name, tunnel.name}))) == {straight.name, tunnel.name}


def test_what_takes_ipv6_and_was_fit_last_is_kept_though_a_line_without_it_is_well() -> None:
    rows = [{"driver": "direct", "cost": 10, "mtu": 1420}, {"driver": "wireguard", "cost": 100, "mtu": 1420}]
    now = dual("g1", {**WEST6, "links": rows})
    links = links_of(now)
    straight, _straight, tunnel, _tunnel = links
    fitness = judge(now, links, {straight.name: Verdict(True)}, Fitness(frozenset({straight.name, tunnel.name})))
    assert fitness == Fitness(frozenset({straight.name}), frozenset({tunnel.name}))
    found = {route.destination: route.hops for route in routes(now, fitness)}
    assert found["fd00:42::/48"] == (hop_of(tunnel, 6),)


@pytest.mark.parametrize(("middle", "carried"), [(WEST, False), (WEST6, True)])
def test_ipv6_passes_a_cluster_in_the_middle_that_has_it(middle: dict[str, Any], carried: bool) -> None:
    south = {
        "clusterID": "south", "index": 3, "podCIDRs": ["10.44.0.0/16", "fd00:44::/48"], "serviceCIDRs": [],
        "tunnelCIDR": "10.248.12.0/22", "via": "west", "links": [], "gateways": [],
    }  # fmt: skip
    now = dual("g1", middle, south)
    assert ("fd00:44::/48" in {route.destination for route in routes(now, Fitness())}) == carried
    link = links_of(now)[0]
    assert isinstance(link, WireguardLink)
    assert ("fd00:44::/48" in link.allowed) == carried


def test_the_rules_are_the_same_in_both_families() -> None:
    state = kernel_state(dual("g1", WEST6, transit=True), Fitness())
    four, six = state.ruleset, state.ruleset6
    assert six.startswith("table ip6 clusterset_fabric")
    chains = [line for line in four.splitlines() if "chain" in line]
    assert [line for line in six.splitlines() if "chain" in line] == chains
    assert six.count("meta mark & 0x4000 == 0 snat to ip6 saddr") == 2
    assert (
        "set local_all { type ipv6_addr; flags interval; elements = { fd00:41::/48, fd0f:ab1c:5e70::af8:0/118 }; }"
        in six
    )
    assert "meta l4proto ipv6-icmp accept" in six, "neighbours are found by it"
    assert 'iifname "fab-*" ip6 saddr fe80::/10 meta l4proto != ipv6-icmp drop' in six
    assert not [word for word in six.split() if word == "ip" or word.startswith("10.")]
    assert not [word for word in four.split() if word == "ip6" or "::" in word]


def test_a_draining_gateway_counts_both_families_and_is_silent_in_the_one_of_the_probes() -> None:
    state = kernel_state(replace(dual("g1"), draining=True), Fitness())
    assert "counter carried_while_draining" in state.ruleset6
    assert 'meta l4proto != ipv6-icmp iifname "fab-*" counter name carried_while_draining' in state.ruleset6
    assert "probe_points" in state.ruleset
    assert "probe_points" not in state.ruleset6


def test_a_plain_node_clamps_to_its_way_to_the_gateways_with_the_headers_of_each_family() -> None:
    plain, gateway = (kernel_state(dual(node), Fitness()) for node in ("plain", "g1"))
    assert "ip saddr @remote_all tcp option maxseg size set 1410" in plain.ruleset
    assert "ip6 saddr @remote_all tcp option maxseg size set 1390" in plain.ruleset6
    assert "ip6 daddr @remote_all tcp option maxseg size set rt mtu" in gateway.ruleset6
    assert "size set 1390" not in gateway.ruleset6


def test_same_input_same_state_in_any_order_of_families() -> None:
    turned = {**WEST6, "podCIDRs": list(reversed(WEST6["podCIDRs"]))}

    def state(peer: dict[str, Any]) -> KernelState:
        return kernel_state(dual("g1", peer), Fitness())

    assert state(turned) == state(WEST6)


def test_a_node_is_called_by_its_ipv4_address_whatever_comes_first() -> None:
    settings = read_settings({"NODE_NAME": "n", "NODE_ADDRESS": "2001:db8::1,192.0.2.1"})
    assert (settings.underlay, settings.first) == ("192.0.2.1", "2001:db8::1")
    with pytest.raises(AgentError, match="no IPv4 address"):
        read_settings({"NODE_NAME": "n", "NODE_ADDRESS": "2001:db8::1"})


class Netlink:
    """Answers with one route and with what the kernel has learnt about it."""

    def get_routes(self, family: int, table: int, proto: int) -> list[Any]:
        if family != socket.AF_INET6:
            return []
        return [Message("fd00:42::", 48, 0), Message("fd00:42::7", 128, 0x200)]


class Message(dict[str, Any]):
    def __init__(self, destination: str, length: int, flags: int) -> None:
        super().__init__(family=socket.AF_INET6, dst_len=length, flags=flags, type=1)
        self._attributes = {"RTA_DST": destination, "RTA_OIF": 2, "RTA_GATEWAY": "fe80::1", "RTA_PREFSRC": "fd00::1"}

    def get_attr(self, name: str) -> Any:
        return self._attributes.get(name)


def test_what_the_kernel_has_learnt_of_a_route_is_no_route_of_ours() -> None:
    found = Routing(Netlink()).present({2: "fab0"})
    assert {name: route.hops for name, route in found.items()} == {"fd00:42::/48": (Hop("fab0", "fe80::1"),)}


@pytest.fixture
def sysctl(tmp_path: Path) -> Path:
    values = {"all": (0, 1), "default": (0, 1), "eth0": (0, 1), "cni0": (1, 1), "fab0": (0, 1), "fab-1": (0, 1)}
    for name, (forwarding, accept_ra) in values.items():
        folder = tmp_path / "sys/ipv6/conf" / name
        folder.mkdir(parents=True)
        more = {"disable_ipv6": 0, "accept_redirects": 1}
        for setting, value in {"forwarding": forwarding, "accept_ra": accept_ra, **more}.items():
            (folder / setting).write_text(f"{value}\n")
    return tmp_path / "sys"


def read(sysctl: Path, *names: str) -> list[int]:
    return [int((sysctl / "ipv6/conf" / name).read_text()) for name in names]


def test_a_node_forwards_and_keeps_the_routes_that_its_router_tells(sysctl: Path, tmp_path: Path) -> None:
    forwarding = Forwarding(sysctl, tmp_path / "record.json")
    assert forwarding.converge(True)
    assert read(sysctl, "all/forwarding", "eth0/accept_ra", "cni0/accept_ra") == [1, 2, 1]
    assert read(sysctl, "fab0/accept_ra", "fab-1/accept_ra", "fab0/accept_redirects") == [0, 0, 0]
    assert forwarding.converge(True) == []
    assert forwarding.converge(False)
    assert read(sysctl, "all/forwarding", "eth0/accept_ra", "cni0/forwarding") == [0, 1, 1]
    assert forwarding.converge(False) == []


def test_a_node_that_forwards_anyway_is_left_alone(sysctl: Path, tmp_path: Path) -> None:
    (sysctl / "ipv6/conf/all/forwarding").write_text("1\n")
    forwarding = Forwarding(sysctl, tmp_path / "record.json")
    forwarding.converge(True)
    assert read(sysctl, "eth0/accept_ra") == [1]
    assert not (tmp_path / "record.json").exists()
    assert forwarding.restore() == []
