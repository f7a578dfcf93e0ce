# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a cluster is told of itself and of its peers."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.clusterset.fabric.plugins.module_utils.facts.types import LinkKey
from ansible_collections.clusterset.fabric.plugins.module_utils.model.types import LinkWish
from ansible_collections.clusterset.fabric.plugins.module_utils.objects.agent import agent_rbac
from ansible_collections.clusterset.fabric.plugins.module_utils.objects.crds import crds
from ansible_collections.clusterset.fabric.plugins.module_utils.objects.links import (
    expected_links,
    fabric,
    peer_objects,
)
from ansible_collections.clusterset.fabric.plugins.module_utils.plan.build import build_plan
from ansible_collections.clusterset.fabric.plugins.module_utils.plan.types import ClusterPlan, Plan
from tests.unit.plan.samples import facts, model

HOSTS = ("east", "north", "west")
KEYS = (LinkKey(0, "old"), LinkKey(1, "new"))


def plan(*links: LinkWish, generations: tuple[int, ...] = (0,), **changes: object) -> Plan:
    """East has the changes; each cluster has one gateway, which has published both keys."""
    models = [model(h, links=links, gateway_count=1, **(changes if h == "east" else {})) for h in HOSTS]
    made = build_plan(models, {host: facts(host) for host in HOSTS})
    return replace(made, clusters=tuple(published(cluster, generations) for cluster in made.clusters))


def published(cluster: ClusterPlan, generations: tuple[int, ...]) -> ClusterPlan:
    gateways = tuple(
        replace(each, keys=KEYS, tunnel_address=f"10.248.{4 * cluster.index}.1") for each in cluster.gateways
    )
    return replace(cluster, gateways=gateways, key_generations=generations)


def peers(made: Plan, host: str) -> dict[str, dict[str, object]]:
    return {obj["metadata"]["name"]: obj["spec"] for obj in peer_objects(made, made.cluster(host))}


def test_a_fabric_says_which_generations_it_holds_and_whether_it_is_a_way_for_others() -> None:
    made = plan(transit=True, generations=(0, 1)).cluster("east")
    spec = fabric(made)["spec"]
    assert (spec["keyGenerations"], spec["transit"]) == ([0, 1], True)
    assert spec["ports"] == {"vxlan": 14789, "linkVxlan": 14788, "base": 14800, "metrics": 14790}
    assert "keysSince" not in spec
    assert fabric(replace(made, keys_since="2026-01-01T00:00:00Z"))["spec"]["keysSince"] == "2026-01-01T00:00:00Z"


def test_a_peer_has_its_links_in_order_each_side_with_its_own_next_hop() -> None:
    line = LinkWish(("east", "*"), "direct", cost=5, next_hops=(("east", "192.0.2.1"),))
    made = plan(LinkWish(), line)
    assert peers(made, "east")["west"]["links"] == [
        {"driver": "direct", "cost": 5, "mtu": 1420, "nextHop": "192.0.2.1"},
        {"driver": "wireguard", "cost": 100, "mtu": 1420},
    ]
    assert "nextHop" not in str(peers(made, "west")["east"])


def test_a_dedicated_line_has_routers_of_both_families() -> None:
    line = LinkWish(("east", "*"), "direct", next_hops6=(("east", "2001:db8::1"), ("west", "2001:db8::2")))
    made = plan(LinkWish(), line)
    assert [row.get("nextHop6") for row in peers(made, "west")["east"]["links"]] == [None, "2001:db8::2"]  # type: ignore[attr-defined]
    assert "nextHop6" not in str(peers(made, "north"))


def test_a_peer_has_the_keys_of_the_generations_that_its_cluster_holds() -> None:
    def keys(*generations: int) -> object:
        (row,) = peers(plan(generations=generations), "east")["west"]["gateways"]  # type: ignore[misc]
        return [key["generation"] for key in row["keys"]]

    assert (keys(0), keys(0, 1), keys(1), keys(2)) == ([0], [0, 1], [1], [])


def test_a_peer_beyond_a_transit_cluster_has_neither_links_nor_gateways() -> None:
    made = plan(LinkWish(("east", "*")), transit=True)
    spec = peers(made, "west")["north"]
    assert (spec["via"], spec["links"], spec["gateways"]) == ("east", [], [])
    assert spec["podCIDRs"] == ["10.43.0.0/16"]
    assert peers(made, "west")["east"]["via"] == ""


def test_clusters_that_are_apart_do_not_know_each_other() -> None:
    assert set(peers(plan(LinkWish(("east", "*"))), "west")) == {"east"}


def test_a_gateway_behind_a_nat_has_no_endpoint_for_others() -> None:
    made = plan(behind_nat=True)
    assert [row["endpoint"] for row in peers(made, "west")["east"]["gateways"]] == [""]  # type: ignore[attr-defined]
    assert fabric(made.cluster("east"))["spec"]["gateways"][0]["endpoint"] == "172.30.0.11"


def test_gateways_that_have_not_published_are_left_out_and_the_others_stay() -> None:
    made = plan()
    west = made.cluster("west")
    more = replace(west, gateways=(*west.gateways, replace(west.gateways[0], node="new", tunnel_address="", keys=())))
    made = replace(made, clusters=tuple(more if each is west else each for each in made.clusters))
    assert [row["node"] for row in peers(made, "east")["west"]["gateways"]] == ["west-worker"]  # type: ignore[attr-defined]
    none = replace(west, gateways=more.gateways[1:])
    made = replace(made, clusters=tuple(none if each is more else each for each in made.clusters))
    assert "west" not in peers(made, "east")


def test_a_pair_is_up_when_each_link_is_in_the_newest_common_generation() -> None:
    line = LinkWish(("east", "west"), "vxlan", cost=5)
    made = plan(line, LinkWish(("east", "west")), generations=(0, 1))
    (peer,) = peer_objects(made, made.cluster("east"))
    ends = ("east-worker", "west", "west-worker")
    assert expected_links(made.cluster("east"), peer) == [(*ends, 0, 0), (*ends, 1, 1)]
    peer["spec"]["gateways"][0]["keys"] = [{"generation": 0, "publicKey": "old"}]
    assert expected_links(made.cluster("east"), peer) == [(*ends, 0, 0), (*ends, 1, 0)]


def test_between_two_nats_no_link_is_waited_for() -> None:
    made = plan(behind_nat=True)
    (_north, peer) = peer_objects(made, made.cluster("east"))
    assert len(expected_links(made.cluster("east"), peer)) == 1
    peer["spec"]["gateways"][0]["endpoint"] = ""
    assert expected_links(made.cluster("east"), peer) == []


def test_what_every_definition_prints_is_in_its_schema() -> None:
    for definition in crds():
        (version,) = definition["spec"]["versions"]
        schema = version["schema"]["openAPIV3Schema"]["properties"]
        for column in version["additionalPrinterColumns"]:
            if column["jsonPath"].startswith(".metadata"):
                continue
            node = {"properties": schema}
            for word in column["jsonPath"].strip(".").split("."):
                name = word.split("[")[0]
                node = node["properties"][name]
                node = node["items"] if "[" in word else node
            assert node["type"] in (column["type"], "array", "number") or column["type"] == "date", column


def test_a_gateway_has_a_status_that_its_agent_may_write() -> None:
    gateway = next(each for each in crds() if each["spec"]["names"]["kind"] == "Gateway")
    assert gateway["spec"]["versions"][0]["subresources"] == {"status": {}}
    rules = [rule for obj in agent_rbac() for rule in obj.get("rules", ())]
    assert any("gateways/status" in rule["resources"] and "patch" in rule["verbs"] for rule in rules)
    (nodes,) = [rule for rule in rules if rule["resources"] == ["nodes"]]
    assert nodes["verbs"] == ["get", "list", "watch"]
