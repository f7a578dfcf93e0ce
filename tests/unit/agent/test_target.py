# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the kernel of a node should hold follows from the objects, the node and the probes alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from clusterset_agent.faults import AgentError
from clusterset_agent.kernel_state import Hop, WireguardLink
from clusterset_agent.links import links_of
from clusterset_agent.probe_points import anywhere, beyond_block
from clusterset_agent.target import carrying, kernel_state, routes
from clusterset_agent.wanted import parse
from clusterset_agent.ways import Fitness

from .samples import ADDRESSES, FABRIC, WEST, gateway, situation


def ways(node: str, *fit: str, **changes: Any) -> tuple[Hop, ...]:
    """How the node reaches west's pods, given what is fit for use."""
    found = routes(situation(node, **changes), Fitness(frozenset(fit)))
    return next((route.hops for route in found if route.destination == "10.42.0.0/16"), ())


def names(node: str, **changes: Any) -> list[str]:
    return [link.name for link in links_of(situation(node, **changes))]


def test_one_interface_for_each_remote_gateway_with_ports_that_both_ends_derive() -> None:
    links = links_of(situation("g2"))
    assert [
        (link.remote_node, link.listen_port, link.remote_port) for link in links if isinstance(link, WireguardLink)
    ] == [
        ("w1", 14800 + 16 * 2 + 0, 14800 + 1),
        ("w2", 14800 + 16 * 2 + 3, 14800 + 1),
    ]
    assert len({link.name for link in links}) == 2
    assert all(len(link.name) <= 15 for link in links)
    assert isinstance(links[0], WireguardLink)
    assert links[0].allowed == ("10.42.0.0/16", "10.142.0.0/16", "10.248.8.0/22")


def test_two_generations_of_keys_are_two_links_on_other_ports_with_other_probes() -> None:
    both = [{"generation": 0, "publicKey": "old"}, {"generation": 1, "publicKey": "new"}]
    west = {**WEST, "gateways": [gateway("w1", 0, both)]}
    old, new = links_of(situation("g1", west, keyGenerations=[0, 1]))
    assert isinstance(old, WireguardLink)
    assert isinstance(new, WireguardLink)
    assert (old.public_key, new.public_key) == ("old", "new")
    assert new.listen_port - old.listen_port == 4096
    assert old.there != new.there
    assert old.here != new.here
    assert [link.generation for link in links_of(situation("g1", west))] == [0], "this cluster has no key of the other"


def test_the_newer_generation_carries_once_it_is_fit_and_the_older_when_nothing_is_known() -> None:
    both = [{"generation": 0, "publicKey": "old"}, {"generation": 1, "publicKey": "new"}]
    west = {**WEST, "gateways": [gateway("w1", 0, both)]}
    old, new = names("g1", peers=(west,), keyGenerations=[0, 1])

    def now(*fit: str) -> tuple[Hop, ...]:
        return ways("g1", *fit, peers=(west,), keyGenerations=[0, 1])

    assert now(old) == (Hop(old),)
    assert now(old, new) == (Hop(new),)
    assert now() == (Hop(old),)


def test_the_cheaper_link_carries_and_the_other_stands_by() -> None:
    links = [{"driver": "direct", "cost": 10, "mtu": 1500}, {"driver": "wireguard", "cost": 100, "mtu": 1500}]
    west = {**WEST, "links": links, "gateways": [gateway("w1", 0)]}
    line, tunnel = names("g1", peers=(west,))
    assert ways("g1", line, tunnel, peers=(west,)) == (Hop("eth0", "192.0.2.1"),)
    assert ways("g1", tunnel, peers=(west,)) == (Hop(tunnel),)
    assert carrying(situation("g1", west), Fitness(frozenset({line, tunnel}))) == {line}


def test_a_vxlan_link_is_reached_through_its_other_end_and_its_identifier_is_the_pairs_own() -> None:
    west = {**WEST, "links": [{"driver": "vxlan", "cost": 100, "mtu": 1450}]}
    first, second = links_of(situation("g1", west))
    assert first.device.vni != second.device.vni  # type: ignore[attr-defined]
    assert ways("g1", first.name, peers=(west,)) == (Hop(first.name, first.there),)


def test_a_dedicated_line_may_have_a_router_of_its_own() -> None:
    west = {**WEST, "links": [{"driver": "direct", "cost": 10, "mtu": 1500, "nextHop": "198.51.100.254"}]}
    assert set(ways("g1", *names("g1", peers=(west,)), peers=(west,))) == {Hop("eth0", "198.51.100.254")}


def test_each_driver_has_devices_of_its_own() -> None:
    kinds = [
        {**WEST, "links": [{"driver": driver, "cost": 1, "mtu": 1420}]} for driver in ("wireguard", "vxlan", "direct")
    ]
    found = [set(names("g1", peers=(west,))) for west in kinds]
    assert len(set.union(*found)) == 3 * 2


def test_who_is_behind_a_translation_is_not_called() -> None:
    west = {**WEST, "gateways": [{**gateway("w1", 0), "endpoint": ""}]}
    (link,) = links_of(situation("g1", west))
    assert isinstance(link, WireguardLink)
    assert link.endpoint == ""
    vxlan = {**west, "links": [{"driver": "vxlan", "cost": 100, "mtu": 1450}]}
    assert links_of(situation("g1", vxlan)) == ()


def test_a_peer_behind_another_is_reached_by_the_other_ones_links() -> None:
    south = {
        "clusterID": "south", "index": 3, "podCIDRs": ["10.44.0.0/16"], "serviceCIDRs": [],
        "tunnelCIDR": "10.248.12.0/22",
        "via": "west", "links": [], "gateways": [],
    }  # fmt: skip
    links = links_of(situation("g1", WEST, south))
    assert {link.peer for link in links} == {"west"}
    assert isinstance(links[0], WireguardLink)
    assert "10.44.0.0/16" in links[0].allowed
    found = routes(situation("g1", WEST, south), Fitness(frozenset(link.name for link in links)))
    by_destination = {route.destination: route.hops for route in found}
    assert by_destination["10.44.0.0/16"] == by_destination["10.42.0.0/16"]


def test_only_a_transit_cluster_passes_packets_between_peers() -> None:
    plain = kernel_state(situation("g1"), Fitness()).ruleset
    transit = kernel_state(situation("g1", transit=True), Fitness()).ruleset
    assert "ip daddr != @local_all ip daddr != @remote_all ct status" in transit
    assert "ip saddr @remote_all ip daddr @remote_all notrack" in transit
    assert "ip daddr != @remote_all" not in plain


def test_a_plain_node_has_no_links_and_goes_over_all_fit_gateways() -> None:
    assert links_of(situation("plain")) == ()
    assert ways("plain", "10.248.0.1", "10.248.0.2") == (Hop("fab0", "10.248.0.1"), Hop("fab0", "10.248.0.2"))
    assert ways("plain", "10.248.0.2") == (Hop("fab0", "10.248.0.2"),)


def test_a_gateway_uses_its_fit_links_else_hands_over_to_another() -> None:
    one, two = names("g1")
    assert set(ways("g1", one, two)) == {Hop(one), Hop(two)}
    assert ways("g1", two, "10.248.0.2") == (Hop(two),)
    assert ways("g1", "10.248.0.2") == (Hop("fab0", "10.248.0.2"),)


def test_a_draining_gateway_hands_over_and_answers_no_probe() -> None:
    one, two = names("g1")
    now = replace(situation("g1"), draining=True)
    hops = {route.destination: route.hops for route in routes(now, Fitness(frozenset({one, two, "10.248.0.2"})))}
    assert hops["10.42.0.0/16"] == (Hop("fab0", "10.248.0.2"),)
    hops = {route.destination: route.hops for route in routes(now, Fitness(frozenset({one, two})))}
    assert set(hops["10.42.0.0/16"]) == {Hop(one), Hop(two)}, "nobody else can"
    assert "icmp type echo-request ip daddr @probe_points drop" in kernel_state(now, Fitness()).ruleset
    assert "probe_points" not in kernel_state(situation("g1"), Fitness()).ruleset


def test_when_nothing_answers_the_routes_stay() -> None:
    one, two = names("g1")
    assert set(ways("g1")) == {Hop(one), Hop(two)}
    assert len(ways("plain")) == 2


def test_when_all_fail_together_what_was_fit_last_is_kept() -> None:
    one, two = names("g1")
    hops = {route.destination: route.hops for route in routes(situation("g1"), Fitness(last=frozenset({two})))}
    assert hops["10.42.0.0/16"] == (Hop(two),)
    elsewhere = Fitness(frozenset({"10.248.0.2"}), frozenset({two}))
    hops = {route.destination: route.hops for route in routes(situation("g1"), elsewhere)}
    assert hops["10.42.0.0/16"] == (Hop("fab0", "10.248.0.2"),), "another gateway is known to be well"
    assert one != two


def test_each_probe_has_a_way_of_its_own_from_the_links_own_address() -> None:
    found = {route.destination: route for route in routes(situation("g1"), Fitness())}
    links = links_of(situation("g1"))
    for link in links:
        for address in (link.there, link.beyond):
            assert found[f"{address}/32"].hops == (Hop(link.name),)
            assert found[f"{address}/32"].source == link.here
    assert len({link.there for link in links} | {link.beyond for link in links}) == 4


def test_a_probe_whose_way_is_not_there_yet_takes_no_other() -> None:
    holes = {route.destination for route in routes(situation("g1"), Fitness()) if route.blackhole}
    assert holes == {"10.248.11.192/26", "10.248.11.128/26"}
    assert not [route for route in routes(situation("plain"), Fitness()) if route.blackhole]


def test_what_lies_beyond_a_gateway_is_held_by_its_successor() -> None:
    first = {route.destination: route for route in routes(situation("g1"), Fitness())}
    second = {route.destination: route for route in routes(situation("g2"), Fitness())}
    behind_first = beyond_block("10.248.0.0/22", 0)
    assert second[behind_first].local
    assert first[behind_first].hops == (Hop("fab0", "10.248.0.2"),)
    assert first[beyond_block("10.248.0.0/22", 1)].local
    alone = routes(situation("g1", gateways=[{"node": "g1", "ordinal": 0}]), Fitness())
    assert behind_first not in {route.destination for route in alone}


def test_a_plain_node_asks_each_peer_through_each_gateway() -> None:
    found = {route.destination: route.hops for route in routes(situation("plain"), Fitness())}
    assert found[f"{anywhere('10.248.8.0/22', 0)}/32"] == (Hop("fab0", "10.248.0.1"),)
    assert found[f"{anywhere('10.248.8.0/22', 1)}/32"] == (Hop("fab0", "10.248.0.2"),)


def test_every_route_of_a_range_carries_the_nodes_tunnel_address_as_its_source() -> None:
    state = kernel_state(situation("g1"), Fitness())
    ranges = [route for route in state.routes if not route.destination.endswith("/32") and not route.blackhole]
    assert {route.source for route in ranges} == {"10.248.0.1"}
    assert (state.overlay.mac, state.overlay.mtu, state.overlay.vni) == ("0a:fa:0a:f8:00:01", 1450, 4000)


def test_same_input_same_state_in_any_order() -> None:
    north = {**WEST, "clusterID": "north", "index": 1, "podCIDRs": ["10.43.0.0/16"], "gateways": []}
    first, second = situation("plain", WEST, north), situation("plain", north, WEST)
    assert kernel_state(first, Fitness()) == kernel_state(second, Fitness())


def test_every_node_clamps_and_a_plain_one_to_its_way_to_the_gateways_in_both_directions() -> None:
    gateway, plain = (kernel_state(situation(node), Fitness()).ruleset for node in ("g1", "plain"))
    for rules in (gateway, plain):
        assert "ip daddr @remote_all tcp option maxseg size set rt mtu" in rules
    narrow = "ip saddr @remote_all tcp option maxseg size set 1410"
    assert narrow in plain
    assert narrow not in gateway


def test_only_gateways_leave_transit_untracked() -> None:
    gateway_rules = kernel_state(situation("g1"), Fitness()).ruleset
    plain = kernel_state(situation("plain"), Fitness()).ruleset
    for chain in ("untracked", "forward"):
        assert f"chain {chain} " in gateway_rules
        assert f"chain {chain} " not in plain
    for text in (gateway_rules, plain):
        assert text.count("meta mark & 0x4000 == 0 snat to ip saddr") == 2
    assert 'fib daddr oifname { "fab0", "flannel.1" } notrack' in gateway_rules
    assert "0a:fa:0a:f8:00:02" in gateway_rules, "the other gateway's packets are not handed back"


def test_a_dedicated_line_guards_the_device_that_it_shares() -> None:
    west = {**WEST, "links": [{"driver": "direct", "cost": 10, "mtu": 1500}]}
    state = kernel_state(situation("g1", west), Fitness())
    assert 'iifname "eth0" jump from_fabric' in state.ruleset
    assert 'iifname "eth0" ip saddr @remote_all ip daddr != @local_all' in state.ruleset
    assert "eth0" in state.transports


def test_a_bad_peer_is_left_out_and_named() -> None:
    state = parse(FABRIC, (WEST, {**WEST, "clusterID": "broken", "podCIDRs": ["nonsense"]}), ADDRESSES)
    assert [peer.cluster for peer in state.peers] == ["west"]
    assert "broken" in state.faults[0]
    assert "nonsense" in state.faults[0]


def test_a_driver_that_this_agent_does_not_know_leaves_the_peer_out() -> None:
    state = parse(FABRIC, ({**WEST, "links": [{"driver": "pigeon", "cost": 1, "mtu": 1500}]},), ADDRESSES)
    assert state.peers == ()
    assert "pigeon" in state.faults[0]


def test_a_fabric_that_cannot_be_understood_is_an_error_that_names_it() -> None:
    with pytest.raises(AgentError, match="east"):
        parse({**FABRIC, "tunnelCIDR": "nonsense"}, (WEST,), ADDRESSES)
