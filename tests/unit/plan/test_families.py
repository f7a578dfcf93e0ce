# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clusters with both families: what is kept, what is refused, and where IPv6 is not routed."""

from __future__ import annotations

import pytest

from ansible_collections.clusterset.fabric.plugins.module_utils.facts.types import ClusterFacts
from ansible_collections.clusterset.fabric.plugins.module_utils.model.types import LinkWish
from ansible_collections.clusterset.fabric.plugins.module_utils.objects.links import fabric
from ansible_collections.clusterset.fabric.plugins.module_utils.plan.build import RefusedError, build_plan
from ansible_collections.clusterset.fabric.plugins.module_utils.plan.types import Plan, plan_from_json
from tests.unit.plan.samples import NUMBERS, facts, model

ROUTERS = (("east", "192.0.2.1"), ("west", "192.0.2.2"))
ROUTERS6 = (("east", "2001:db8::1"), ("west", "2001:db8::2"))


def dual(host: str, **changes: object) -> ClusterFacts:
    n = NUMBERS[host]
    both = {
        "pod_cidrs": (f"10.4{n}.0.0/16", f"fd00:4{n}::/48"),
        "service_cidrs": (f"10.14{n}.0.0/16", f"fd00:14{n}::/112"),
    }
    return facts(host, **{**both, **changes})


def plan(*found: ClusterFacts, links: tuple[LinkWish, ...] = (), **changes: object) -> Plan:
    models = [model(each.cluster, links=links, transit=each.cluster == "north", **changes) for each in found]
    return build_plan(models, {each.cluster: each for each in found})


def about_ipv6(result: Plan) -> list[str]:
    return [note for note in result.notes if "IPv6" in note]


def test_both_families_are_in_the_plan_and_in_the_objects() -> None:
    result = plan(dual("east"), dual("west"))
    assert about_ipv6(result) == []
    assert fabric(result.cluster("west"))["spec"]["podCIDRs"] == ["10.42.0.0/16", "fd00:42::/48"]
    assert fabric(result.cluster("west"))["spec"]["serviceCIDRs"] == ["10.142.0.0/16", "fd00:142::/112"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"pod_cidrs": ("10.41.0.0/16", "fd00:42:0:7::/64")}, ["fd00:42:0:7::/64", "fd00:42::/48", "east", "west"]),
        ({"pod_cidrs": ("10.42.7.0/24", "fd00:41::/48")}, ["10.42.7.0/24", "10.42.0.0/16"]),
        ({"pod_cidrs": ("10.41.0.0/16", "fd0f:ab1c:5e70::/48")}, ["tunnel range fd0f:ab1c:5e70::af8:0/118"]),
        ({"service_cidrs": ("10.141.0.0/16", "fd00:142::/120")}, ["fd00:142::/120", "fd00:142::/112"]),
    ],
)
def test_overlaps_are_refused_in_each_family(changes: dict[str, object], words: list[str]) -> None:
    with pytest.raises(RefusedError) as caught:
        plan(dual("east", **changes), dual("west"))
    assert all(word in str(caught.value) for word in words), caught.value


def test_where_one_cluster_has_no_ipv6_a_note_says_so() -> None:
    (note,) = about_ipv6(plan(dual("east"), dual("north"), facts("west")))
    assert note == "no IPv6 ranges in west: other clusters' IPv6 is not routed to and from there"
    assert about_ipv6(plan(facts("east"), facts("west"))) == []


def test_ipv6_does_not_pass_a_cluster_in_the_middle_without_it() -> None:
    spokes = (LinkWish(("north", "*")),)
    notes = about_ipv6(plan(dual("east"), dual("west"), facts("north"), links=spokes))
    assert "east and west: IPv6 does not pass north, which has no IPv6 ranges" in notes
    assert about_ipv6(plan(dual("east"), dual("west"), dual("north"), links=spokes)) == []


def test_a_dedicated_line_needs_the_routers_of_both_sides_for_ipv6() -> None:
    bare = LinkWish(("*", "*"), "direct", next_hops=ROUTERS)
    (note,) = about_ipv6(plan(dual("east"), dual("west"), links=(bare,)))
    assert note.startswith("east and west: IPv6 is not routed between them")
    beside = (LinkWish(("*", "*"), "direct", cost=1, next_hops6=ROUTERS6[:1]), LinkWish(("*", "*")))
    result = plan(dual("east"), dual("west"), links=beside)
    assert about_ipv6(result)[0].startswith("east and west: IPv6 takes their wireguard link only")
    assert result.links[0].next_hops6 == {}, "one side alone would get no answers"


def test_known_routers_of_both_sides_are_told_to_the_agents() -> None:
    result = plan(dual("east"), dual("west"), links=(LinkWish(("*", "*"), "direct", next_hops6=ROUTERS6),))
    assert about_ipv6(result) == []
    assert result.links[0].next_hops6 == dict(ROUTERS6)
    assert plan_from_json(result.to_json()) == result


def test_ipv6_between_nodes_needs_room() -> None:
    line = LinkWish(("*", "*"), "direct", next_hops6=ROUTERS6)
    with pytest.raises(RefusedError, match=r"underlay MTU of 1300 is too small for IPv6 .* needs 1330"):
        plan(dual("east"), dual("west"), links=(line,), underlay_mtu=1300)
    plan(dual("east"), facts("west"), links=(line,), underlay_mtu=1300)
