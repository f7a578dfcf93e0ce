# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the kernel of a node should hold follows from the objects, the node and the probes alone."""

from __future__ import annotations

from typing import Any

import pytest

from clusterset_agent.faults import AgentError
from clusterset_agent.kernel_state import Hop, LocalFacts
from clusterset_agent.target import kernel_state, routes, wireguard_links
from clusterset_agent.wanted import NodeAddress, Wanted, parse

FABRIC: dict[str, Any] = {
    "clusterID": "east",
    "index": 0,
    "podCIDRs": ["10.41.0.0/16"],
    "serviceCIDRs": ["10.141.0.0/16"],
    "tunnelCIDR": "10.248.0.0/22",
    "underlayMTU": 1500,
    "ports": {"vxlan": 14789, "base": 14800, "metrics": 14790},
    "gateways": [{"node": "g1", "ordinal": 0}, {"node": "g2", "ordinal": 1}],
}
WEST: dict[str, Any] = {
    "clusterID": "west",
    "index": 2,
    "podCIDRs": ["10.42.0.0/16"],
    "serviceCIDRs": ["10.142.0.0/16"],
    "tunnelCIDR": "10.248.8.0/22",
    "driver": "wireguard",
    "mtu": 1420,
    "gateways": [
        {"node": "w1", "ordinal": 0, "endpoint": "192.0.2.1", "publicKey": "k1", "tunnelAddress": "10.248.8.1"},
        {"node": "w2", "ordinal": 3, "endpoint": "192.0.2.2", "publicKey": "k2", "tunnelAddress": "10.248.8.2"},
    ],
}
ADDRESSES = {
    "10.248.0.1": {"node": "g1", "underlayAddress": "198.51.100.1"},
    "10.248.0.2": {"node": "g2", "underlayAddress": "198.51.100.2"},
    "10.248.0.3": {"node": "plain", "underlayAddress": "198.51.100.3"},
}
LOCAL = LocalFacts(device="eth0", device_mtu=1500, transports=("flannel.1",))


def wanted(*peers: dict[str, Any], **changes: Any) -> Wanted:
    return parse({**FABRIC, **changes}, peers or (WEST,), ADDRESSES)


def address(state: Wanted, node: str) -> NodeAddress:
    found = state.address_of(node)
    assert found is not None
    return found


def ways(node: str, *alive: str) -> tuple[Hop, ...]:
    """How the node reaches west's pods, given what answers its probes."""
    state = wanted()
    found = routes(state, address(state, node), frozenset(alive))
    return next((route.hops for route in found if route.destination == "10.42.0.0/16"), ())


def test_one_interface_for_each_remote_gateway_with_ports_that_both_ends_derive() -> None:
    links = wireguard_links(wanted(), "g2")
    assert [(link.remote_node, link.listen_port, link.remote_port) for link in links] == [
        ("w1", 14800 + 16 * 2 + 0, 14800 + 1),
        ("w2", 14800 + 16 * 2 + 3, 14800 + 1),
    ]
    assert len({link.name for link in links}) == 2
    assert all(len(link.name) <= 15 for link in links)
    assert links[0].allowed == ("10.42.0.0/16", "10.142.0.0/16", "10.248.8.0/22")


def test_a_plain_node_has_no_links_and_goes_over_all_live_gateways() -> None:
    assert wireguard_links(wanted(), "plain") == ()
    assert ways("plain", "10.248.0.1", "10.248.0.2") == (Hop("fab0", "10.248.0.1"), Hop("fab0", "10.248.0.2"))
    assert ways("plain", "10.248.0.2") == (Hop("fab0", "10.248.0.2"),)


def test_a_gateway_uses_its_live_links_else_hands_over_to_another() -> None:
    one, two = (link.name for link in wireguard_links(wanted(), "g1"))
    assert set(ways("g1", one, two)) == {Hop(one), Hop(two)}
    assert ways("g1", two, "10.248.0.2") == (Hop(two),)
    assert ways("g1", "10.248.0.2") == (Hop("fab0", "10.248.0.2"),)


def test_when_nothing_answers_the_routes_stay() -> None:
    one, two = (link.name for link in wireguard_links(wanted(), "g1"))
    assert set(ways("g1")) == {Hop(one), Hop(two)}
    assert len(ways("plain")) == 2


def test_probes_have_routes_of_their_own() -> None:
    state = wanted()
    found = {route.destination: route.hops for route in routes(state, address(state, "g1"), frozenset())}
    for link in wireguard_links(state, "g1"):
        assert found[f"{link.remote_tunnel}/32"] == (Hop(link.name),)


def test_every_route_carries_the_nodes_tunnel_address_as_its_source() -> None:
    state = kernel_state(wanted(), address(wanted(), "g1"), LOCAL, frozenset())
    assert {route.source for route in state.routes} == {"10.248.0.1"}
    assert (state.overlay.mac, state.overlay.mtu, state.overlay.vni) == ("0a:fa:0a:f8:00:01", 1450, 4000)


def test_same_input_same_state_in_any_order() -> None:
    north = {**WEST, "clusterID": "north", "index": 1, "podCIDRs": ["10.43.0.0/16"], "gateways": []}
    first, second = wanted(WEST, north), wanted(north, WEST)
    me = address(first, "plain")
    assert kernel_state(first, me, LOCAL, frozenset()) == kernel_state(second, me, LOCAL, frozenset())


def test_only_gateways_leave_transit_untracked_and_clamp() -> None:
    gateway = kernel_state(wanted(), address(wanted(), "g1"), LOCAL, frozenset()).ruleset
    plain = kernel_state(wanted(), address(wanted(), "plain"), LOCAL, frozenset()).ruleset
    for chain in ("untracked", "clamp", "forward"):
        assert f"chain {chain} " in gateway
        assert f"chain {chain} " not in plain
    for text in (gateway, plain):
        assert text.count("meta mark & 0x4000 == 0 snat to ip saddr") == 2
    assert 'fib daddr oifname { "fab0", "flannel.1" } notrack' in gateway
    assert "0a:fa:0a:f8:00:02" in gateway, "the other gateway's packets are not handed back"


def test_a_bad_peer_is_left_out_and_named() -> None:
    state = wanted(WEST, {**WEST, "clusterID": "broken", "podCIDRs": ["nonsense"]})
    assert [peer.cluster for peer in state.peers] == ["west"]
    assert "broken" in state.faults[0]
    assert "nonsense" in state.faults[0]


def test_a_fabric_that_cannot_be_understood_is_an_error_that_names_it() -> None:
    with pytest.raises(AgentError, match="east"):
        wanted(tunnelCIDR="nonsense")
