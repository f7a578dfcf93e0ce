"""Sync parts on real API servers: exports, conflicts, death and return, restarts."""

from __future__ import annotations

import asyncio
import signal
import time
import uuid
from dataclasses import replace

import pytest

from ansible_collections.clusterset.fabric.plugins.module_utils.model.types import ExportWish
from ansible_collections.clusterset.fabric.plugins.module_utils.objects.links import fabric

from .clusterset import EPS, HOME, MCS, OURS, Clusterset, Object, ours

Key = tuple[str, str]
EAST, WEST = ["10.41.0.7", "10.41.0.8"], ["10.42.0.9"]


@pytest.fixture
async def key(clusterset: Clusterset) -> Key:
    """A name of a service that was never there, in a namespace that all clusters have."""
    name = f"t{uuid.uuid4().hex[:8]}"
    await clusterset.make_namespace(name)
    return name, "hello"


async def ready(clusterset: Clusterset, key: Key) -> None:
    """All sync parts are up and know each other: what is exported in each is in each."""
    probe = (key[0], "probe")
    for host, number in (("east", 1), ("north", 3), ("west", 2)):
        await clusterset.export(host, probe, [f"10.4{number}.9.9"])
    everywhere = {"east": ["10.41.9.9"], "north": ["10.43.9.9"], "west": ["10.42.9.9"]}
    for host in clusterset.clusters:
        await clusterset.wait(lambda host=host: clusterset.addresses(host, probe), everywhere, 40)  # type: ignore[misc]


async def versions(clusterset: Clusterset, host: str, key: Key) -> dict[str, str]:
    """resourceVersions of all that belongs to imports in a namespace."""
    found: dict[str, str] = {}
    for path in (f"{MCS}/namespaces/{key[0]}/serviceimports", f"{EPS}/namespaces/{key[0]}/endpointslices"):
        found |= {
            item["metadata"]["name"]: item["metadata"]["resourceVersion"]
            for item in await clusterset.client[host].list(path)
        }
    for item in await clusterset.client[host].list(f"/api/v1/namespaces/{key[0]}/services"):
        found[f"service {item['metadata']['name']}"] = item["metadata"]["resourceVersion"]
    return found


async def test_an_export_is_imported_everywhere_and_its_changes_follow(clusterset: Clusterset, key: Key) -> None:
    await ready(clusterset, key)
    affinity = {"sessionAffinity": "ClientIP", "sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 10}}}
    await clusterset.export("east", key, EAST, **affinity)
    for host in clusterset.clusters:
        await clusterset.wait(lambda host=host: clusterset.addresses(host, key), {"east": EAST})  # type: ignore[misc]
        found = await clusterset.imported(host, key)
        assert found
        spec = found["spec"]
        assert (spec["type"], spec["sessionAffinity"], len(spec["ips"])) == ("ClusterSetIP", "ClientIP", 1)
        assert spec["sessionAffinityConfig"] == {"clientIP": {"timeoutSeconds": 10}}
        assert [port["port"] for port in spec["ports"]] == [42]
        name = found["metadata"]["annotations"]["multicluster.kubernetes.io/derived-service"]
        service = await clusterset.client[host].get(f"/api/v1/namespaces/{key[0]}/services/{name}")
        assert (service["spec"]["clusterIPs"], service["spec"].get("selector")) == (spec["ips"], None)
        old = await clusterset.client[host].get(
            f"/apis/multicluster.x-k8s.io/v1alpha1/namespaces/{key[0]}/serviceimports/{key[1]}"
        )
        assert old["spec"]["ips"] == spec["ips"]
    told = await clusterset.conditions("east", "serviceexports", key)
    assert {name: each["status"] for name, each in told.items()} == {
        "Valid": "True",
        "Ready": "True",
        "Conflict": "False",
    }
    before = (await clusterset.imported("west", key) or {})["spec"]["ips"]
    times = []
    for number in range(9):
        wanted = EAST[: 1 + number % 2]
        began = time.monotonic()
        await clusterset.endpoints("east", key, wanted)
        await clusterset.wait(lambda wanted=wanted: clusterset.addresses("west", key), {"east": wanted})  # type: ignore[misc]
        times.append(time.monotonic() - began)
    print("change to import, seconds:", sorted(round(each, 3) for each in times))
    assert sorted(times)[4] < 1.0
    assert (await clusterset.imported("west", key) or {})["spec"]["ips"] == before
    await clusterset.unexport("east", key)
    for host in clusterset.clusters:
        await clusterset.wait(lambda host=host: clusterset.imported(host, key), None)  # type: ignore[misc]
        await clusterset.wait(lambda host=host: clusterset.addresses(host, key), {})  # type: ignore[misc]


async def test_the_oldest_export_wins_and_both_exporters_are_told(clusterset: Clusterset, key: Key) -> None:
    await ready(clusterset, key)
    await clusterset.export("west", key, WEST)
    await clusterset.wait(lambda: clusterset.addresses("east", key), {"west": WEST})
    await asyncio.sleep(1.1)  # creation times have whole seconds
    rows = [{"name": "tcp", "protocol": "TCP", "port": 4242, "targetPort": 8042}]
    await clusterset.export("east", key, EAST, ports=rows)

    async def told(host: str) -> tuple[str, str]:
        found = (await clusterset.conditions(host, "serviceexports", key)).get("Conflict", {})
        return found.get("status", ""), found.get("reason", "")

    for host in ("west", "east"):
        await clusterset.wait(lambda host=host: told(host), ("True", "PortConflict"))  # type: ignore[misc]
    for host in clusterset.clusters:
        found = await clusterset.imported(host, key)
        assert found
        assert [port["port"] for port in found["spec"]["ports"]] == [42]
        assert await clusterset.addresses(host, key) == {"west": WEST}
        assert [row["cluster"] for row in found["status"]["clusters"]] == ["east", "west"]
    await clusterset.unexport("west", key)
    await clusterset.wait(lambda: clusterset.addresses("north", key), {"east": EAST})
    await clusterset.wait(lambda: told("east"), ("False", "NoConflicts"))


async def test_headless_services_keep_their_hostnames(clusterset: Clusterset, key: Key) -> None:
    await ready(clusterset, key)
    await clusterset.export("east", key, EAST, clusterIP="None")
    await clusterset.wait(lambda: clusterset.addresses("west", key), {"east": EAST})
    found = await clusterset.imported("west", key)
    assert found
    assert (found["spec"]["type"], found["spec"].get("ips") or [], found["spec"]["ipFamilies"]) == (
        "Headless",
        [],
        ["IPv4"],
    )
    (item,) = await clusterset.client["west"].list(
        f"{EPS}/namespaces/{key[0]}/endpointslices", label_selector=f"multicluster.kubernetes.io/service-name={key[1]}"
    )
    assert [row["hostname"] for row in item["endpoints"]] == ["hello-0", "hello-1"]
    services = await clusterset.client["west"].list(f"/api/v1/namespaces/{key[0]}/services")
    assert [
        each["metadata"]["name"] for each in services if "derived" in each["metadata"]["name"]
    ] != []  # of the probe


async def test_what_cannot_be_exported_says_why(clusterset: Clusterset, key: Key) -> None:
    await ready(clusterset, key)
    client, metadata = clusterset.client["east"], {"namespace": key[0], "name": key[1]}
    export = {"apiVersion": "multicluster.x-k8s.io/v1beta1", "kind": "ServiceExport", "metadata": metadata}
    await client.apply(export)

    async def told() -> str:
        return (await clusterset.conditions("east", "serviceexports", key)).get("Valid", {}).get("reason", "")

    await clusterset.wait(told, "NoService")
    spec = {"type": "ExternalName", "externalName": "example.org"}
    await client.apply({"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec})
    await clusterset.wait(told, "InvalidServiceType")
    assert await clusterset.imported("west", key) is None


async def test_a_namespace_that_comes_later_gets_its_imports(clusterset: Clusterset, key: Key) -> None:
    await ready(clusterset, key)
    late = (f"{key[0]}-late", "hello")
    await clusterset.make_namespace(late[0], "east")
    await clusterset.export("east", late, EAST)
    await clusterset.wait(lambda: clusterset.addresses("east", late), {"east": EAST})
    assert await clusterset.imported("west", late) is None
    await clusterset.make_namespace(late[0], "west")
    await clusterset.wait(lambda: clusterset.addresses("west", late), {"east": EAST})


async def test_exports_of_the_inventory_are_beside_peoples_own(clusterset: Clusterset, key: Key) -> None:
    await ready(clusterset, key)
    space, client, east = key[0], clusterset.client["east"], clusterset.plan.cluster("east")

    async def choose(*wishes: ExportWish) -> None:
        await client.apply(fabric(replace(east, services=replace(east.services, exports=wishes))))

    async def exports() -> dict[str, bool]:
        """Names of the exports, and whether the inventory made them."""
        items = await client.list(f"{MCS}/namespaces/{space}/serviceexports")
        mark = "fabric.clusterset.io/export"
        return {item["metadata"]["name"]: mark in (item["metadata"].get("labels") or {}) for item in items}

    async def imports() -> list[str]:
        items = await clusterset.client["west"].list(f"{MCS}/namespaces/{space}/serviceimports")
        return sorted(item["metadata"]["name"] for item in items)

    ports: Object = {"ports": [{"port": 80}]}
    await clusterset.service("east", (space, "named"), ports)
    await choose(ExportWish(space, "named"), ExportWish(space, labels=(("team", "a"),)))
    await clusterset.wait(exports, {"named": True, "probe": False})
    await clusterset.service("east", (space, "later"), ports, {"team": "a"})  # without another run
    await clusterset.wait(imports, ["later", "named", "probe"])
    await clusterset.service("east", (space, "later"), ports, {"team": "b"})
    await clusterset.wait(exports, {"named": True, "probe": False})
    await choose(ExportWish(space))
    await clusterset.wait(exports, {"later": True, "named": True, "probe": False})
    await choose()
    await clusterset.wait(exports, {"probe": False})
    await clusterset.wait(imports, ["probe"])


async def test_a_cluster_takes_no_traffic_or_keeps_its_own(clusterset: Clusterset, key: Key) -> None:
    await ready(clusterset, key)
    both = {"east": EAST, "west": WEST}
    for host, addresses in both.items():
        await clusterset.export(host, key, addresses)

    async def annotate(host: str, name: str, value: str) -> None:
        body: Object = {"metadata": {"annotations": {f"fabric.clusterset.io/{name}": value}}}
        path = f"{MCS}/namespaces/{key[0]}/serviceexports/{key[1]}"
        await clusterset.client[host].request("PATCH", path, body=body, content_type="application/merge-patch+json")

    async def seen() -> list[Object]:
        return [await clusterset.addresses(host, key) for host in ("east", "north", "west")]

    await clusterset.wait(seen, [both, both, both])
    await annotate("west", "prefer", "local")
    await clusterset.wait(seen, [both, both, {"west": WEST}])
    await clusterset.endpoints("west", key, [])
    await clusterset.wait(seen, [{"east": EAST}] * 3)
    await clusterset.endpoints("west", key, WEST)
    await clusterset.wait(seen, [both, both, {"west": WEST}])
    await annotate("west", "weight", "0")
    await clusterset.wait(seen, [{"east": EAST}] * 3)


async def test_a_silent_cluster_is_withdrawn_and_comes_back(clusterset: Clusterset, key: Key) -> None:
    await ready(clusterset, key)
    await clusterset.export("west", key, WEST)
    await clusterset.export("east", key, EAST)
    both = {"east": EAST, "west": WEST}
    for host in ("east", "north"):
        await clusterset.wait(lambda host=host: clusterset.addresses(host, key), both)  # type: ignore[misc]
    address = (await clusterset.imported("east", key) or {})["spec"]["ips"]
    clusterset.clusters["west"].api.freeze()
    try:
        for host in ("east", "north"):
            took = await clusterset.wait(lambda host=host: clusterset.addresses(host, key), {"east": EAST})  # type: ignore[misc]
            assert took < 7.0
        await clusterset.wait(lambda: sources(clusterset, "north", key), "EndpointsWithdrawn")
        assert (await clusterset.imported("east", key) or {})["spec"]["ips"] == address
    finally:
        clusterset.clusters["west"].api.thaw()
    for host in ("east", "north"):
        await clusterset.wait(lambda host=host: clusterset.addresses(host, key), both, 30)  # type: ignore[misc]


async def test_a_cluster_that_still_forwards_keeps_its_endpoints(clusterset: Clusterset, key: Key) -> None:
    await ready(clusterset, key)
    await clusterset.export("west", key, WEST)
    await clusterset.wait(lambda: clusterset.addresses("east", key), {"west": WEST})
    spec = {
        "node": "g1",
        "peer": "west",
        "remoteGateway": "w1",
        "driver": "vxlan",
        "number": 0,
        "generation": 0,
        "cost": 100,
        "interface": "fab-0",
    }
    await clusterset.client["east"].apply(ours("Link", "g1.west.w1.0", spec))
    path = f"{OURS}/namespaces/{HOME}/links/g1.west.w1.0"

    async def link(state: str) -> None:
        body: Object = {"status": {"state": state}}
        await clusterset.client["east"].request(
            "PATCH", f"{path}/status", body=body, content_type="application/merge-patch+json"
        )

    await link("Up")
    clusterset.parts["west-0"].stop(signal.SIGKILL)

    async def standing() -> str:
        found = await clusterset.client["east"].get(f"{OURS}/namespaces/{HOME}/peers/west")
        return str(((found.get("status") or {}).get("services") or {}).get("state", ""))

    try:
        await clusterset.wait(standing, "Forwards", 20)
        assert await clusterset.addresses("east", key) == {"west": WEST}
        await clusterset.wait(lambda: clusterset.addresses("north", key), {}, 20)  # north has no link to it
        await clusterset.wait(lambda: sources(clusterset, "east", key), "EndpointsKept")
        await link("Down")
        await clusterset.wait(lambda: clusterset.addresses("east", key), {})
        await clusterset.start("west", "1")
        await clusterset.wait(lambda: clusterset.addresses("east", key), {"west": WEST}, 30)
    finally:
        await clusterset.client["east"].delete(path)


async def test_a_restart_changes_nothing_even_while_a_peer_is_silent(clusterset: Clusterset, key: Key) -> None:
    await ready(clusterset, key)
    await clusterset.export("west", key, WEST)
    await clusterset.wait(lambda: clusterset.addresses("east", key), {"west": WEST})
    before = await settled(clusterset, "east", key)
    clusterset.parts["east-0"].stop()
    await clusterset.start("east", "1", PEER_TIMEOUT="60")
    await clusterset.wait(lambda: holder(clusterset, "east"), "east-1")
    other = (key[0], "later")
    await clusterset.export("west", other, WEST)
    await clusterset.wait(lambda: clusterset.addresses("east", other), {"west": WEST})
    after = await settled(clusterset, "east", key)
    assert {name: after.get(name) for name in before} == before, clusterset.logs()
    clusterset.clusters["west"].api.freeze()
    try:
        clusterset.parts["east-1"].stop(signal.SIGKILL)
        await clusterset.start("east", "2", PEER_TIMEOUT="60")
        await clusterset.wait(lambda: holder(clusterset, "east"), "east-2", 30)
        mine = (key[0], "mine")
        await clusterset.export("east", mine, EAST)
        await clusterset.wait(lambda: clusterset.addresses("east", mine), {"east": EAST})
        assert await clusterset.addresses("east", key) == {"west": WEST}
        found = await clusterset.imported("east", key)
        assert found
        assert found["metadata"]["name"] == key[1]
    finally:
        clusterset.clusters["west"].api.thaw()


async def sources(clusterset: Clusterset, host: str, key: Key) -> str:
    told = await clusterset.conditions(host, "serviceimports", key)
    return str(told.get("fabric.clusterset.io/SourcesAnswer", {}).get("reason", ""))


async def settled(clusterset: Clusterset, host: str, key: Key) -> dict[str, str]:
    """The versions once nothing changes any more."""
    before: dict[str, str] = {}
    while (now := await versions(clusterset, host, key)) != before:
        before = now
        await asyncio.sleep(1.0)
    return before


async def holder(clusterset: Clusterset, host: str) -> str:
    path = f"/apis/coordination.k8s.io/v1/namespaces/{HOME}/leases/fabric-sync"
    found = await clusterset.client[host].try_get(path)
    return str((found or {"spec": {}})["spec"].get("holderIdentity", ""))


async def test_of_two_replicas_one_works_and_the_other_takes_over(clusterset: Clusterset, key: Key) -> None:
    await ready(clusterset, key)
    assert await holder(clusterset, "east") == "east-0"
    await clusterset.start("east", "1")
    clusterset.parts["east-0"].stop(signal.SIGKILL)
    await clusterset.wait(lambda: holder(clusterset, "east"), "east-1", 20)
    await clusterset.export("east", key, EAST)
    await clusterset.wait(lambda: clusterset.addresses("west", key), {"east": EAST})
