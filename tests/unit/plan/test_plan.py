# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan is a pure function, keeps what peers rely on, and refuses what cannot work."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.clusterset.fabric.plugins.module_utils.facts.types import (
    ClusterFacts,
    Disagreement,
    Gateway,
    LinkKey,
    Node,
    Owned,
    Plugin,
)
from ansible_collections.clusterset.fabric.plugins.module_utils.model.types import ClusterModel
from ansible_collections.clusterset.fabric.plugins.module_utils.objects.links import fabric, peer_objects
from ansible_collections.clusterset.fabric.plugins.module_utils.plan.build import RefusedError, build_plan
from ansible_collections.clusterset.fabric.plugins.module_utils.plan.types import Plan, plan_from_json
from tests.unit.plan.samples import facts, model


def plan(*hosts: str) -> Plan:
    return build_plan([model(host) for host in hosts], {host: facts(host) for host in hosts})


def refusal(models: list[ClusterModel], found: list[ClusterFacts]) -> str:
    with pytest.raises(RefusedError) as caught:
        build_plan(models, {item.cluster: item for item in found})
    return str(caught.value)


def test_same_input_gives_the_same_bytes_in_any_order() -> None:
    assert plan("east", "west", "north").to_json() == plan("north", "east", "west").to_json()


def test_plan_survives_json() -> None:
    before = plan("east", "west")
    assert plan_from_json(before.to_json()) == before


def test_every_pair_gets_one_encrypted_link() -> None:
    links = plan("east", "west", "north").links
    assert [(link.a, link.b) for link in links] == [("east", "north"), ("east", "west"), ("north", "west")]
    assert {(x.number, x.driver, x.cost, x.encrypted, x.mtu) for x in links} == {(0, "wireguard", 100, True, 1420)}


def test_workers_become_gateways_first() -> None:
    assert [g.node for g in plan("east", "west").cluster("east").gateways] == ["east-worker", "east-worker2"]


def test_gateways_are_spread_over_zones() -> None:
    found = facts("east")
    zones = ["", "a", "a"]
    nodes = tuple(replace(node, zone=zone) for node, zone in zip(found.nodes, zones, strict=True))
    extra = Node("east-worker9", internal=("172.30.0.19",), ready=True, zone="b")
    result = build_plan([model("east")], {"east": replace(found, nodes=(*nodes, extra))})
    assert [g.node for g in result.clusters[0].gateways] == ["east-worker", "east-worker9"]


def test_a_new_cluster_moves_neither_numbers_nor_ports_of_the_others() -> None:
    owned = Owned(installed=True, cluster_id="west", index=0, chosen={"west-worker2": 0})
    found = {"west": facts("west", owned=owned), "east": facts("east")}
    result = build_plan([model("west"), model("east")], found)
    assert (result.cluster("west").index, result.cluster("east").index) == (0, 1)
    assert [(g.node, g.ordinal) for g in result.cluster("west").gateways] == [("west-worker2", 0), ("west-worker", 1)]


def test_an_absent_cluster_keeps_its_number_and_its_share_in_the_others() -> None:
    spec = {"clusterID": "north", "index": 0, "gateways": []}
    owned = Owned(installed=True, cluster_id="east", index=1, peers=("north",), peer_specs={"north": spec})
    models = [model("east"), model("north"), model("west")]
    result = build_plan(models, {"east": facts("east", owned=owned), "west": facts("west")}, {"north": "no answer"})
    assert result.cluster("east").kept_peers == (spec,)
    assert result.cluster("west").index == 2
    assert result.absent == {"north": "no answer"}


def test_published_keys_are_in_the_plan() -> None:
    gateways = (Gateway("east-worker", 0, (LinkKey(0, "key"),), "10.248.0.1", "172.30.0.11"),)
    result = build_plan([model("east", gateway_count=1)], {"east": facts("east", owned=Owned(gateways=gateways))})
    assert result.clusters[0].ready_for_peers
    assert result.clusters[0].gateways[0].keys == (LinkKey(0, "key"),)


def test_a_running_plugin_is_adopted_even_if_the_same_one_is_wanted() -> None:
    result = build_plan([model("east", network_plugin="flannel")], {"east": facts("east")})
    assert result.clusters[0].plugin.action == "adopt"
    assert "not installed by us" in result.clusters[0].notes[0]


def test_our_own_plugin_is_kept_up_to_date() -> None:
    found = facts("east", owned=Owned(bundles=("network-plugin",)))
    assert build_plan([model("east", network_plugin="flannel")], {"east": found}).clusters[0].plugin.action == "install"


@pytest.mark.parametrize(
    ("east", "west", "words"),
    [
        ({"pod_cidrs": ("10.42.128.0/17",)}, {}, ["east", "west", "10.42.128.0/17", "10.42.0.0/16"]),
        ({"service_cidrs": ("10.142.0.0/24",)}, {}, ["service range 10.142.0.0/24", "10.142.0.0/16"]),
        ({"pod_cidrs": ("10.142.1.0/24",)}, {}, ["pod range 10.142.1.0/24", "service range 10.142.0.0/16"]),
        ({"pod_cidrs": ("10.248.0.0/16",)}, {}, ["tunnel range 10.248.0.0/22", "fabric_tunnel_range"]),
        ({"pod_cidrs": ("172.30.0.0/24",)}, {}, ["node address 172.30.0.20", "172.30.0.0/24"]),
        ({"nodes": (Node("n", internal=("172.30.0.21",)),)}, {}, ["node address 172.30.0.21", "same address"]),
        ({"uid": "uid-west"}, {}, ["east", "west", "same cluster", "uid-west"]),
        ({"version": "v1.27.1"}, {}, ["east", "v1.27.1", "1.30"]),
        ({"nodes": (Node("n", internal=("fd00::1",)),)}, {}, ["gateway n", "fabric_gateway_endpoints"]),
        ({"nodes": ()}, {}, ["no node that could be a gateway", "fabric_gateway_nodes"]),
        ({"pod_cidrs": ()}, {}, ["east", "pod ranges", "fabric_pod_cidrs"]),
        ({"plugin": Plugin()}, {}, ["east", "no network plugin", "fabric_network_plugin"]),
        (
            {"disagreements": (Disagreement("pod ranges", {"kubeadm": "10.1.0.0/16", "flannel": "10.2.0.0/16"}),)},
            {},
            ["kubeadm says 10.1.0.0/16", "flannel says 10.2.0.0/16", "fabric_pod_cidrs"],
        ),
        (
            {"owned": Owned(installed=True, cluster_id="old", index=0)},
            {},
            ["'old'", "'east'", "fabric_cluster_id"],
        ),
        (
            {"owned": Owned(installed=True, cluster_id="east", index=4)},
            {"owned": Owned(installed=True, cluster_id="west", index=4)},
            ["east and west", "number 4", "leave"],
        ),
    ],
)
def test_facts_that_cannot_work_are_refused(east: dict[str, object], west: dict[str, object], words: list[str]) -> None:
    text = refusal([model("east"), model("west")], [facts("east", **east), facts("west", **west)])
    assert all(word in text for word in words), text
    assert "Fix:" in text


@pytest.mark.parametrize(
    ("east", "words"),
    [
        ({"cluster_id": "west"}, ["east and west", "'west'", "fabric_cluster_id"]),
        ({"underlay_mtu": 1300}, ["MTU of 1220", "1280", "east and west", "fabric_underlay_mtu"]),
        ({"tunnel_range": "10.200.0.0/16"}, ["fabric_tunnel_range differs", "10.200.0.0/16"]),
        ({"clusterset": "other"}, ["fabric_clusterset differs", "other"]),
        ({"network_plugin": "calico"}, ["east", "flannel runs there", "calico"]),
        ({"gateway_nodes": ("nope",)}, ["east", "'nope'", "east-worker"]),
        ({"gateway_endpoints": {"nope": "1.2.3.4"}}, ["east", "'nope'"]),
    ],
)
def test_models_that_cannot_work_are_refused(east: dict[str, object], words: list[str]) -> None:
    text = refusal([model("east", **east), model("west")], [facts("east"), facts("west")])
    assert all(word in text for word in words), text


def test_a_tunnel_range_without_room_is_refused() -> None:
    models = [model(host, tunnel_range="10.248.0.0/22") for host in ("east", "west")]
    text = refusal(models, [facts("east"), facts("west")])
    assert "no room for cluster number 1" in text
    assert text.startswith("west:")


def test_an_override_settles_a_disagreement() -> None:
    doubt = Disagreement("pod ranges", {"a": "10.1.0.0/16", "b": "10.2.0.0/16"})
    found = facts("east", disagreements=(doubt,))
    assert build_plan([model("east", pod_cidrs=("10.1.0.0/16",))], {"east": found}).clusters[0].pod_cidrs == (
        "10.1.0.0/16",
    )


def test_a_plugin_version_that_does_not_support_the_kubernetes_is_refused() -> None:
    wanted = model("east", network_plugin="calico", network_plugin_version="v3.29.0")
    text = refusal([wanted], [facts("east", plugin=Plugin())])
    assert all(word in text for word in ("east", "calico", "v3.29.0", "1.36")), text


def test_without_a_version_the_newest_known_one_is_planned() -> None:
    result = build_plan([model("east", network_plugin="flannel")], {"east": facts("east", plugin=Plugin())})
    assert result.clusters[0].plugin.version.startswith("v0.")


def test_a_fenced_cluster_is_gone_from_all_others_and_comes_back_with_its_number() -> None:
    spec = {"clusterID": "north", "index": 1, "gateways": []}
    numbers = {"east": 0, "west": 2}

    def found(**more: object) -> dict[str, ClusterFacts]:
        owned = {host: Owned(True, host, index, **more) for host, index in numbers.items()}  # type: ignore[arg-type]
        return {host: facts(host, owned=owned[host]) for host in numbers}

    models = [model("east"), model("north", state="fenced", transit=True), model("west")]
    result = build_plan(models, found(peers=("north",), peer_specs={"north": spec}))
    assert plan_from_json(result.to_json()) == result
    assert [cluster.host for cluster in result.clusters] == ["east", "west"]
    assert [(link.a, link.b) for link in result.links] == [("east", "west")]
    for cluster in result.clusters:
        assert (cluster.kept_peers, cluster.fenced) == ((), (("north", 1),))
        assert fabric(cluster)["spec"]["fenced"] == [{"clusterID": "north", "index": 1}]
        assert "north" not in [peer["metadata"]["name"] for peer in peer_objects(result, cluster)]
    assert any("north is fenced" in note for note in result.notes)
    # the next run finds no Peer of it any more, and a newcomer does not get its number
    later = build_plan(
        [*models[:2], model("west")], {"east": found(fenced={"north": 1})["east"], "west": facts("west")}
    )
    assert later.cluster("west").index == 2
    back = build_plan([model(host) for host in ("east", "north", "west")], {**found(), "north": facts("north")})
    assert {cluster.host: cluster.fenced for cluster in back.clusters} == {"east": (), "north": (), "west": ()}


def test_a_cluster_that_does_not_answer_cannot_be_told_that_another_is_fenced() -> None:
    models = [model("east"), model("north", state="fenced"), model("west")]
    result = build_plan(models, {"east": facts("east")}, {"west": "west does not answer"})
    assert "north is fenced: nothing of it stays in the others, but for west;" in "\n".join(result.notes)
    assert "every cluster is fenced" in refusal([model("east", state="fenced")], [])
