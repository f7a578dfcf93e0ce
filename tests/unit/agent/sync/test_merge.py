# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pure core of the sync part: from exports to what a cluster holds of them."""

from __future__ import annotations

import ipaddress
from dataclasses import replace
from typing import Any

from clusterset_agent.sync import conditions, desired
from clusterset_agent.sync.export import Endpoint, Export, Group, Port, Refusal, from_object, local_export, to_object
from clusterset_agent.sync.merge import Merged, merge
from clusterset_agent.sync.standing import Signs, Standing, judge, links_up

TCP = Port("tcp", "TCP", 42)
KEY = ("shop", "cart")
Object = dict[str, Any]


def export(cluster: str = "east", since: str = "2026-01-01T00:00:00Z", **more: Any) -> Export:
    numbers = {"east": 1, "west": 2, "north": 3}
    ports = more.get("ports", (TCP,))
    listening = tuple(Port(port.name, port.protocol, 8000 + port.port) for port in ports)
    endpoints = (Endpoint((f"10.4{numbers[cluster]}.0.7",), zone="z1", node="n1"),)
    values: dict[str, Any] = {
        "cluster": cluster,
        "namespace": KEY[0],
        "name": KEY[1],
        "type": "ClusterSetIP",
        "since": since,
        "ports": (TCP,),
        "groups": (Group("IPv4", listening, endpoints),),
    }
    return Export(**{**values, **more})


def merged(*exports: Export) -> Merged:
    found = merge(exports)
    assert found
    return found


def service(**spec: Any) -> Object:
    row = {"name": "tcp", "protocol": "TCP", "port": 42, "targetPort": 8042}
    return {"metadata": {}, "spec": {"type": "ClusterIP", "clusterIP": "10.1.1.1", "ports": [row], **spec}}


def wish(**spec: Any) -> Object:
    metadata = {"namespace": KEY[0], "name": KEY[1], "creationTimestamp": "2026-01-01T00:00:00Z"}
    return {"metadata": metadata, "spec": spec}


def eps(number: int, *addresses: str) -> Object:
    labels = {"endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io"}
    rows = [{"addresses": [address], "conditions": {"ready": True}} for address in addresses]
    ports = [{"name": "tcp", "protocol": "TCP", "port": number}]
    return {"metadata": {"labels": labels}, "addressType": "IPv4", "endpoints": rows, "ports": ports}


def made(exports: Merged, **more: Any) -> list[Object]:
    values = {"own": "east", "withdrawn": (), "ranges": {}, **more}
    return desired.slices(exports, KEY, values["own"], values["withdrawn"], values["ranges"])


def test_an_export_needs_a_service_that_can_be_exported() -> None:
    for given, reason in ((None, "NoService"), (service(type="ExternalName"), "InvalidServiceType")):
        found = local_export("east", wish(), given, [])
        assert isinstance(found, Refusal)
        assert found.reason == reason
        assert conditions.of_export(found)[0]["status"] == "False"


def test_what_is_exported_survives_the_way_to_a_peer() -> None:
    wishes = wish(exportedLabels={"a": "b"})
    spec = service(sessionAffinity="ClientIP", sessionAffinityConfig={"clientIP": {"timeoutSeconds": 10}})
    found = local_export("east", wishes, spec, [eps(8042, "10.41.0.7"), eps(8042, "10.41.0.8"), eps(9042, "10.41.0.9")])
    assert isinstance(found, Export)
    assert [len(group.endpoints) for group in found.groups] == [2, 1]
    assert from_object("east", to_object(found, "clusterset-fabric")) == found
    assert (found.affinity_seconds, found.labels) == (10, {"a": "b"})


def test_a_cluster_of_weight_0_exports_no_endpoints() -> None:
    def given(weight: str, **spec: Any) -> Export:
        wishes = wish()
        wishes["metadata"]["annotations"] = {"fabric.clusterset.io/weight": weight}
        found = local_export("east", wishes, service(**spec), [eps(8042, "10.41.0.7")])
        assert isinstance(found, Export)
        return found

    assert given("0").groups == ()
    assert given("1").groups != ()
    half = given("0.5")
    assert half.groups != ()
    assert (
        "fabric.clusterset.io/weight is '0.5': use 0 or 1"
        in conditions.of_export(merged(half), remark=half.remark)[1]["message"]
    )
    assert given("0", clusterIP="None").groups != ()
    assert "headless" in given("0", clusterIP="None").remark


def test_a_cluster_that_prefers_its_own_endpoints_uses_others_only_without_one() -> None:
    own, other = export("east", prefers_local=True), export("west", "2026-02-01T00:00:00Z")
    assert desired.passed_over(merged(own, other), "east") == {"west"}
    assert desired.passed_over(merged(own, other), "west") == set()
    assert desired.passed_over(merged(own, other), "north") == set()
    for mine in (replace(own, groups=()), replace(own, prefers_local=False), replace(own, type="Headless")):
        assert desired.passed_over(merged(mine, other), "east") == set()


def test_the_oldest_export_wins_and_a_tie_is_decided_by_id() -> None:
    old = export("west", "2025-01-01T00:00:00Z", type="Headless")
    assert merged(export("east"), old).headless
    assert merged(export("west"), export("east")).oldest.cluster == "east"


def test_ports_are_a_union_and_the_disagreement_is_told() -> None:
    sctp = Port("sctp", "SCTP", 142)
    both = merged(export("east"), export("west", "2026-02-01T00:00:00Z", ports=(TCP, sctp)))
    assert both.ports == (TCP, sctp)
    assert list(both.conflicts) == ["PortConflict"]
    assert "west" in both.conflicts["PortConflict"]


def test_a_port_in_conflict_reaches_only_clusters_that_have_it() -> None:
    other = export("west", "2026-02-01T00:00:00Z", ports=(Port("tcp", "TCP", 4242),))
    both = merged(export("east"), other)
    assert both.ports == (TCP,)
    assert [item["metadata"]["labels"][desired.SOURCE_CLUSTER] for item in made(both)] == ["east"]


def test_the_same_number_under_another_name_is_the_same_port() -> None:
    other = export("west", "2026-02-01T00:00:00Z", ports=(Port("web", "TCP", 42),))
    both = merged(export("east"), other)
    assert [item["ports"][0]["name"] for item in made(both)] == ["tcp", "tcp"]


def test_other_names_and_numbers_reach_their_own_cluster_only() -> None:
    both = merged(export("east"), export("west", "2026-02-01T00:00:00Z", ports=(Port("web", "TCP", 4242),)))
    assert [[port["name"] for port in item["ports"]] for item in made(both)] == [["tcp"], ["web"]]


def test_every_disagreement_has_its_word() -> None:
    other = export(
        "west",
        "2026-02-01T00:00:00Z",
        type="Headless",
        affinity="ClientIP",
        affinity_seconds=5,
        internal_policy="Local",
        distribution="PreferClose",
        families=("IPv6",),
        labels={"a": "b"},
        annotations={"a": "b"},
    )
    both = merged(export("east"), other)
    assert len(both.conflicts) == 8
    told = {each["type"]: each for each in conditions.of_export(both)}
    assert told["Conflict"]["status"] == "True"
    assert told["Conflict"]["reason"].startswith("TypeConflict,SessionAffinityConflict")


def test_slices_are_labelled_and_nodes_stay_at_home() -> None:
    first, second = made(merged(export("east"), export("west")))
    labels = first["metadata"]["labels"]
    assert labels["multicluster.kubernetes.io/service-name"] == "cart"
    assert labels["kubernetes.io/service-name"].startswith("derived-")
    assert first["endpoints"][0]["nodeName"] == "n1"
    assert "nodeName" not in second["endpoints"][0]


def test_withdrawn_clusters_have_no_slices_but_still_their_say() -> None:
    both = merged(export("west", "2025-01-01T00:00:00Z", affinity="ClientIP"), export("east"))
    assert len(made(both, withdrawn={"west"})) == 1
    assert desired.derived_service(both, KEY)["spec"]["sessionAffinity"] == "ClientIP"  # type: ignore[index]


def test_addresses_outside_of_a_peers_ranges_are_not_believed() -> None:
    ranges = {"west": [ipaddress.ip_network("10.99.0.0/16")]}
    assert made(merged(export("west")), ranges=ranges) == []


def test_headless_hostnames_stay_in_one_slice() -> None:
    endpoints = tuple(Endpoint((f"10.41.0.{n}",), hostname=f"db-{n}") for n in (1, 2))
    group = Group("IPv4", (Port("tcp", "TCP", 42),), endpoints)
    (item,) = made(merged(export(type="Headless", groups=(group,))))
    assert [row["hostname"] for row in item["endpoints"]] == ["db-1", "db-2"]
    assert desired.derived_service(merged(export(type="Headless")), KEY) is None


def test_large_exports_are_cut() -> None:
    endpoints = tuple(Endpoint((f"10.41.{n // 250}.{n % 250}",)) for n in range(250))
    items = made(merged(export(groups=(Group("IPv4", (TCP,), endpoints),))))
    assert [len(item["endpoints"]) for item in items] == [100, 100, 50]
    assert len({item["metadata"]["name"] for item in items}) == 3


def test_what_others_added_does_not_count_and_what_they_changed_does() -> None:
    wanted = {"spec": {"ports": [{"name": "", "port": 42}]}}
    assert desired.holds({"spec": {"ports": [{"port": 42, "targetPort": 42}], "clusterIP": "10.0.0.1"}}, wanted)
    assert not desired.holds({"spec": {"ports": [{"port": 43}]}}, wanted)


def test_a_condition_that_holds_on_keeps_its_time() -> None:
    wanted = conditions.of_export(merged(export()))
    first = conditions.changed([], wanted, "t1", 1)
    assert first
    assert conditions.changed(first, wanted, "t2", 1) is None
    other = merged(export(), export("west", "2026-02-01T00:00:00Z", labels={"a": "b"}))
    second = conditions.changed(first, conditions.of_export(other), "t2", 1)
    assert second
    times = {each["type"]: each["lastTransitionTime"] for each in second}
    assert times == {"Valid": "t1", "Ready": "t1", "Conflict": "t2"}


def test_a_peer_is_dead_only_if_nothing_of_it_answers() -> None:
    assert judge(Signs(0.0), 4.0, 5.0) is Standing.UNKNOWN
    assert judge(Signs(0.0), 6.0, 5.0) is Standing.DEAD
    assert judge(Signs(0.0, heard=10.0), 14.0, 5.0) is Standing.ALIVE
    assert judge(Signs(0.0, heard=10.0), 16.0, 5.0) is Standing.DEAD
    assert judge(Signs(0.0, heard=10.0, link_up=True), 16.0, 5.0) is Standing.FORWARDS
    assert judge(Signs(0.0, heard=10.0, fenced=True), 10.0, 5.0) is Standing.FENCED


def test_only_links_of_ones_own_prove_anything() -> None:
    links: list[Object] = [{"spec": {"peer": "west"}, "status": {"state": "Up"}}, {"spec": {"peer": "north"}}]
    assert links_up(links, "west")
    assert not links_up(links, "north")
    assert not links_up(links, "west", via="hub")
