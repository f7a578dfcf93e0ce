# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is linked with whom and how, as the inventory says it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from ansible_collections.clusterset.fabric.plugins.module_utils.facts.types import Gateway, LinkKey, Owned
from ansible_collections.clusterset.fabric.plugins.module_utils.model.types import ClusterModel, LinkWish
from ansible_collections.clusterset.fabric.plugins.module_utils.plan.build import RefusedError, build_plan
from ansible_collections.clusterset.fabric.plugins.module_utils.plan.types import Plan, plan_from_json
from ansible_collections.clusterset.fabric.plugins.module_utils.plan.ways import apart
from ansible_collections.clusterset.fabric.plugins.module_utils.report.plan_table import plan_table
from ansible_collections.clusterset.fabric.plugins.module_utils.status.types import Options
from tests.unit.plan.samples import facts, model

HOSTS = ("east", "north", "west")
ANY = ("*", "*")
HUB = (LinkWish(("east", "*")),)
LINE = LinkWish(ANY, "direct", cost=10, next_hops=(("east", "172.30.0.1"), ("west", "172.30.0.2")))
VPN = LinkWish(ANY, "wireguard", cost=50)


def models(links: tuple[LinkWish, ...] = (), **changes: Mapping[str, object]) -> list[ClusterModel]:
    return [model(host, **{"links": links, **changes.get(host, {})}) for host in HOSTS]


def plan(links: tuple[LinkWish, ...] = (), **changes: Mapping[str, object]) -> Plan:
    return build_plan(models(links, **changes), {host: facts(host) for host in HOSTS})


def refusal(links: tuple[LinkWish, ...] = (), **changes: Mapping[str, object]) -> str:
    with pytest.raises(RefusedError) as caught:
        plan(links, **changes)
    text = str(caught.value)
    assert "Fix:" in text
    return text


def drivers(result: Plan, a: str, b: str) -> list[tuple[int, str, int]]:
    return [(link.number, link.driver, link.mtu) for link in result.links_of(a, b)]


def test_two_links_of_a_pair_are_numbered_by_cost_and_share_the_smaller_mtu() -> None:
    result = plan((VPN, LINE))
    assert drivers(result, "west", "east") == [(0, "direct", 1420), (1, "wireguard", 1420)]
    assert result.links_of("east", "west")[0].next_hops == {"east": "172.30.0.1", "west": "172.30.0.2"}
    assert result.links_of("north", "west")[0].next_hops == {"west": "172.30.0.2"}


@pytest.mark.parametrize(
    ("wish", "mtu"),
    [
        (LinkWish(ANY, "wireguard"), 1420),
        (LinkWish(ANY, "vxlan"), 1450),
        (LinkWish(ANY, "direct"), 1500),
        (LinkWish(ANY, "direct", mtu=9000), 9000),
    ],
)
def test_each_driver_has_its_own_overhead(wish: LinkWish, mtu: int) -> None:
    assert {link.mtu for link in plan((wish,)).links} == {mtu}


def test_patterns_match_in_either_order_and_what_no_entry_matches_has_no_link() -> None:
    result = plan((LinkWish(("w*", "[en]ast")),))
    assert [(link.a, link.b) for link in result.links] == [("east", "west")]
    assert result.apart == (("east", "north"), ("north", "west"))
    assert "north and west are not connected" in " ".join(result.notes)


def test_the_driver_of_the_full_mesh_can_be_chosen() -> None:
    changed = {host: {"link_driver": "vxlan"} for host in HOSTS}
    assert {link.driver for link in plan(**changed).links} == {"vxlan"}


def test_spokes_reach_each_other_through_the_hub() -> None:
    result = plan(HUB, east={"transit": True, "underlay_mtu": 1400})
    (way,) = result.transits
    assert (way.a, way.b, way.via, way.mtu, way.encrypted) == ("north", "west", "east", 1320, True)
    assert (result.via("west", "north"), result.apart) == ("east", ())


def test_of_two_hubs_the_cheaper_one_is_the_way_and_then_the_first_by_id() -> None:
    south = replace(
        facts("west"),
        cluster="south",
        uid="uid-south",
        nodes=(replace(facts("west").nodes[1], name="s", internal=("172.30.9.1",)),),
        pod_cidrs=("10.60.0.0/16",),
        service_cidrs=("10.61.0.0/16",),
    )
    found = {**{host: facts(host) for host in HOSTS}, "south": south}

    def via(cost: int) -> str:
        links = (LinkWish(("east", "[ws]*"), cost=10), LinkWish(("north", "[ws]*"), cost=cost))
        each = [model(host, links=links, transit=host in ("east", "north")) for host in found]
        return build_plan(each, found).via("west", "south")

    assert (via(9), via(10), via(11)) == ("north", "east", "east")


def test_pairs_without_a_way_are_not_to_be_verified() -> None:
    assert apart(models(HUB)) == {("north", "west")}
    assert apart(models(HUB, east={"transit": True})) == frozenset()
    options = Options(images={}, apart=apart(models(HUB)))
    assert (options.connects("west", "north"), options.connects("west", "east")) == (False, True)


def test_a_hub_that_does_not_answer_now_stays_the_way() -> None:
    kept = {"clusterID": "east", "index": 0, "links": [{"driver": "vxlan", "cost": 1, "mtu": 1390}], "gateways": []}
    owned = {host: Owned(True, host, n, peer_specs={"east": kept}) for n, host in enumerate(("north", "west"), 1)}
    found = {host: facts(host, owned=owned[host]) for host in owned}
    result = build_plan(models(HUB, east={"transit": True}), found, {"east": "no answer"})
    (way,) = result.transits
    assert (way.via, way.mtu, way.encrypted) == ("east", 1390, False)
    unknown = build_plan(models(HUB, east={"transit": True}), {host: facts(host) for host in owned}, {"east": "x"})
    assert unknown.apart == (("north", "west"),)


def test_such_a_plan_survives_json() -> None:
    before = plan((LinkWish(("east", "west")), LinkWish(("east", "west"), "direct")), east={"transit": True})
    assert plan_from_json(before.to_json()) == before


def test_the_table_shows_every_pair_and_what_is_not_encrypted() -> None:
    links = (LinkWish(("east", "west"), "vxlan"), LinkWish(("east", "north")))
    text = plan_table(plan(links, east={"transit": True}))
    rows = [line.split() for line in text.splitlines() if "<->" in line]
    assert rows == [
        ["east", "<->", "north", "wireguard", "100", "yes", "1420"],
        ["east", "<->", "west", "vxlan", "100", "NO", "1450"],
        ["north", "<->", "west", "via", "east", "-", "NO", "1420"],
    ]
    assert "note: east and west: packets pass unencrypted on their vxlan link" in text
    assert "none" in plan_table(plan(links))


def test_a_direct_link_without_a_next_hop_is_noted() -> None:
    notes = plan((replace(LINE, between=("east", "north")),)).notes
    assert any("no next hop for north" in note and "layer-2" in note for note in notes)


@pytest.mark.parametrize(
    ("links", "words"),
    [
        ((LinkWish(("eats", "*")),), ["'eats'", "matches no cluster", "east, north, west"]),
        ((LinkWish(ANY, "direct", next_hops=(("eats", "192.0.2.1"),)),), ["next_hops", "'eats'", "no cluster"]),
        ((VPN, LinkWish(("east", "*"))), ["east and west", "2 links by wireguard"]),
        ((VPN, LINE, LinkWish(("east", "west"), "vxlan")), ["east and west", "3 links", "direct, wireguard, vxlan"]),
    ],
)
def test_entries_that_contradict_each_other_are_refused(links: tuple[LinkWish, ...], words: list[str]) -> None:
    text = refusal(links)
    assert all(word in text for word in words), text


def test_the_links_are_the_same_for_all_clusters() -> None:
    assert "fabric_links differs between clusters" in refusal((VPN,), west={"links": ()})
    assert "fabric_link_driver differs" in refusal(west={"link_driver": "vxlan"})


def test_too_small_a_pair_is_refused_once() -> None:
    text = refusal((VPN, LINE), east={"underlay_mtu": 1300})
    assert text.count("MTU of 1220") == 2  # east with each of the others


HIDDEN = {"behind_nat": True}


def test_behind_a_nat_gateways_need_no_address() -> None:
    bare = facts("west")
    nodes = tuple(replace(node, internal=("fd00::1",)) for node in bare.nodes[1:])
    found = {"east": facts("east"), "west": replace(bare, nodes=nodes)}
    result = build_plan([model("east"), model("west", **HIDDEN)], found)
    assert result.cluster("west").behind_nat


def test_two_clusters_behind_nats_are_refused_unless_a_third_one_joins_them() -> None:
    assert "north and west are both behind a NAT" in refusal(west=HIDDEN, north=HIDDEN)
    assert plan(HUB, west=HIDDEN, north=HIDDEN, east={"transit": True}).via("north", "west") == "east"


def test_only_wireguard_passes_a_nat() -> None:
    text = refusal((LinkWish(("east", "*"), "vxlan"),), west=HIDDEN)
    assert "east and west: a vxlan link does not pass the NAT of west" in text


def test_gateways_are_chosen_by_label() -> None:
    labelled = facts("east")
    nodes = (replace(labelled.nodes[0], labels={"edge": "true", "rack": "1"}), *labelled.nodes[1:])
    wanted = model("east", gateway_labels={"edge": "true"})
    result = build_plan([wanted], {"east": replace(labelled, nodes=nodes)})
    assert [gateway.node for gateway in result.clusters[0].gateways] == ["east-control-plane"]
    named = build_plan([replace(wanted, gateway_nodes=("east-worker",))], {"east": labelled})
    assert [gateway.node for gateway in named.clusters[0].gateways] == ["east-worker"]
    with pytest.raises(RefusedError, match="no node has the labels edge=true"):
        build_plan([wanted], {"east": labelled})


def test_an_endpoint_is_told_by_variable_then_annotation_then_address() -> None:
    found = facts("east")
    nodes = (found.nodes[0], *(replace(node, endpoint="203.0.113.7") for node in found.nodes[1:]))
    wanted = model("east", gateway_endpoints={"east-worker2": "203.0.113.9"})
    result = build_plan([wanted], {"east": replace(found, nodes=nodes)})
    assert [gateway.endpoint for gateway in result.clusters[0].gateways] == ["203.0.113.7", "203.0.113.9"]
    bad = (replace(found.nodes[1], endpoint="gw.example"),)
    with pytest.raises(RefusedError, match=r"node east-worker is 'gw.example'.*Fix: .*kubectl annotate"):
        build_plan([model("east")], {"east": replace(found, nodes=bad)})


def held(host: str, index: int, *generations: int, keys: tuple[int, ...] = ()) -> Owned:
    gateway = Gateway(f"{host}-worker", 0, tuple(LinkKey(n, f"k{n}") for n in keys), "10.248.0.1", "172.30.0.11")
    return Owned(True, host, index, key_generations=generations, gateways=(gateway,))


@pytest.mark.parametrize(
    ("others", "newcomer"),
    [
        (((3,), (3,)), (3,)),
        (((3,), (3, 4)), (3,)),
        (((3, 4), (4,)), (4,)),
        (((3, 4), (3, 4)), (3, 4)),
        (((3,), (4,)), (4,)),
    ],
)
def test_a_newcomer_holds_the_generations_that_all_others_hold(
    others: tuple[tuple[int, ...], tuple[int, ...]], newcomer: tuple[int, ...]
) -> None:
    owned = {host: held(host, n, *others[n]) for n, host in enumerate(("east", "north"))}
    found = {host: facts(host, owned=owned.get(host, Owned())) for host in HOSTS}
    result = build_plan(models(), found)
    assert [cluster.key_generations for cluster in result.clusters] == [*others, newcomer]


def test_a_gateway_without_a_key_of_each_generation_is_waited_for() -> None:
    def ready(*keys: int) -> bool:
        owned = held("east", 0, 0, 1, keys=keys)
        return (
            build_plan([model("east", gateway_count=1)], {"east": facts("east", owned=owned)})
            .clusters[0]
            .ready_for_peers
        )

    assert (ready(0), ready(1, 2), ready(0, 1)) == (False, False, True)


def test_clusters_without_a_generation_in_common_are_noted() -> None:
    found = {"east": facts("east", owned=held("east", 0, 1)), "west": facts("west", owned=held("west", 1, 2))}
    notes = build_plan([model("east"), model("west")], found).notes
    assert notes == ("east and west hold no generation of keys in common (east: 1, west: 2): run the playbook rotate",)
