# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which places a pod with both families is, and which of them are to reach each other."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.clusterset.fabric.plugins.module_utils.status.evidence import Evidence, carrying_ipv6
from ansible_collections.clusterset.fabric.plugins.module_utils.status.families import located, meets, spread
from ansible_collections.clusterset.fabric.plugins.module_utils.status.probe import gateways_request
from ansible_collections.clusterset.fabric.plugins.module_utils.status.types import Place

BOTH = ["10.42.0.0/16", "fd00:42::/48"]
DUAL = Evidence("west", "west", ipv6=frozenset({"west", "east"}))
EAST = Evidence("east", "east", ipv6=frozenset({"west", "east"}))
PLAIN = Evidence("north", "north")


def item(name: str, cidrs: list[str], **spec: Any) -> dict[str, Any]:
    links = [{"driver": "wireguard"}]
    return {"metadata": {"name": name}, "spec": {"clusterID": name, "podCIDRs": cidrs, "links": links, **spec}}


@pytest.mark.parametrize(
    ("addresses", "first", "second"),
    [
        (["10.42.0.2"], "10.42.0.2", ""),
        (["fd00::2"], "fd00::2", ""),
        (["10.42.0.2", "fd00::2"], "10.42.0.2", "fd00::2"),
        (["fd00::2", "10.42.0.2"], "10.42.0.2", "fd00::2"),
    ],
)
def test_the_ipv4_address_is_the_first_one(addresses: list[str], first: str, second: str) -> None:
    place = located(Place("west", "w", "p"), addresses)
    assert (place.address, place.second) == (first, second)


def test_a_pod_is_two_places_where_somebody_can_be_reached_by_ipv6() -> None:
    place = Place("west", "w", "p", address="10.42.0.2", second="fd00::2")
    four, six = spread([place], DUAL, within=False)
    assert (four.label, six.label, six.address) == ("west/w", "west/w IPv6", "fd00::2")
    assert six.name == four.name, "it is one pod"
    assert spread([place], PLAIN, within=True) == [place]
    alone = Evidence("west", "west", ipv6=frozenset({"west"}))
    assert (len(spread([place], alone, within=False)), len(spread([place], alone, within=True))) == (1, 2)


def test_places_meet_in_the_same_family_if_their_clusters_carry_it() -> None:
    here, here6 = (Place("west", "w", "p", address=text) for text in ("10.42.0.2", "fd00:42::2"))
    there, there6 = (Place("east", "e", "p", address=text) for text in ("10.41.0.2", "fd00:41::2"))
    assert meets(here, there, DUAL, EAST)
    assert meets(here6, there6, DUAL, EAST)
    assert not meets(here, there6, DUAL, EAST)
    assert not meets(here6, there6, DUAL, Evidence("east", "east"))
    assert meets(here, Place("east", "", ""), DUAL, PLAIN), "an absent cluster is missed in one family"
    assert not meets(here, here, DUAL, DUAL)


def test_the_objects_tell_who_is_reached_by_ipv6() -> None:
    own = item("west", BOTH)
    assert carrying_ipv6(own, [item("east", BOTH), item("north", BOTH[:1])]) == {"west", "east"}
    assert carrying_ipv6(item("west", BOTH[:1]), [item("east", BOTH)]) == frozenset()
    assert carrying_ipv6({}, [item("east", BOTH)]) == frozenset()
    line = {"driver": "direct", "nextHop": "192.0.2.1"}
    assert carrying_ipv6(own, [item("east", BOTH, links=[line])]) == {"west"}
    assert carrying_ipv6(own, [item("east", BOTH, links=[{**line, "nextHop6": "2001:db8::1"}])]) == {"west", "east"}
    behind = item("east", BOTH, via="north", links=[])
    assert carrying_ipv6(own, [behind, item("north", BOTH[:1])]) == {"west"}
    assert carrying_ipv6(own, [behind, item("north", BOTH)]) == {"west", "east", "north"}


def test_gateways_are_asked_in_the_family_of_the_pod() -> None:
    west = Evidence("west", "west", gateways=("g",), tunnels={"g": "10.248.8.1"})
    addresses = [gateways_request(west, ipv6=six)["targets"][0]["address"] for six in (False, True)]
    assert addresses == ["10.248.8.1", "fd0f:ab1c:5e70::af8:801"]
    assert west.owner("fd0f:ab1c:5e70::af8:801") == "tunnel address of west/g"
