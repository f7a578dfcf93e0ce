"""Behaviours 2 to 17: what the objects of the Multi-Cluster Services API say. No data plane is needed for it.

The number in a test's name is its row in docs/services.md. East is the cluster that exports first.
"""

from __future__ import annotations

import asyncio
import ipaddress
from typing import Any

import pytest

from tests.integration.apiservers.clusterset import EPS, Object

from .conftest import AFFINITY, LIMIT, NOTES, OLDER, PORTS, Hello

pytestmark = pytest.mark.asyncio(loop_scope="module")
EAST, WEST = ["10.41.0.7", "fd00:41::7"], ["10.42.0.9", "fd00:42::9"]
MANAGER = "endpointslice.kubernetes.io/managed-by"


def by_name(rows: Any) -> list[Object]:
    return sorted(({"protocol": "TCP", **row} for row in rows), key=lambda row: str(row["name"]))


async def on_both(hello: Hello, first: Object | None = None, second: Object | None = None, **spec: Any) -> None:
    """Exported by east, later by west: `first` and `second` are the exports' wishes, `spec` is west's service."""
    await hello.export("east", EAST, first)
    await hello.imported("east")
    await asyncio.sleep(OLDER)
    await hello.export("west", WEST, second, **spec)
    for host in hello.clusterset.clusters:
        await hello.clusterset.wait(lambda host=host: hello.sources(host), ["east", "west"], LIMIT)  # type: ignore[misc]


async def test_02_an_import_lives_as_long_as_a_cluster_exports_it(hello: Hello) -> None:
    await on_both(hello)

    async def uid() -> str:
        found = await hello.clusterset.imported("east", hello.key)
        return str(found["metadata"]["uid"]) if found else ""

    first = await uid()
    await hello.unexport("east")
    await hello.holds(uid, first)
    assert list(await hello.clusterset.addresses("east", hello.key)) == ["west"]
    await hello.unexport("west")
    await hello.gone("east")


async def test_03_a_service_with_an_address_is_imported_everywhere(hello: Hello) -> None:
    await hello.export("east", EAST)
    await hello.clusterset.wait(lambda: hello.status("east", "Valid"), "True", LIMIT)
    for host in hello.clusterset.clusters:
        assert (await hello.imported(host))["spec"]["type"] == "ClusterSetIP"
    await hello.unexport("east")
    for host in hello.clusterset.clusters:
        await hello.gone(host)


async def test_04_to_06_affinity_and_traffic_policies_are_the_services(hello: Hello) -> None:
    policies: Object = {"internalTrafficPolicy": "Cluster", "trafficDistribution": "PreferClose"}
    await hello.export("east", EAST, **policies)
    for host in hello.clusterset.clusters:
        spec = (await hello.imported(host))["spec"]
        assert (spec["sessionAffinity"], spec["sessionAffinityConfig"]) == ("ClientIP", AFFINITY)
        assert {name: spec[name] for name in policies} == policies


async def test_07_an_address_for_each_family_in_their_order(hello: Hello) -> None:
    await hello.export("east", EAST)
    for host in hello.clusterset.clusters:
        spec = (await hello.imported(host))["spec"]
        assert spec["ipFamilies"] == ["IPv4", "IPv6"]
        assert [f"IPv{ipaddress.ip_address(each).version}" for each in spec["ips"]] == spec["ipFamilies"]


async def test_08_the_ports_are_the_services(hello: Hello) -> None:
    rows = [*PORTS, {"name": "web", "port": 80, "protocol": "TCP", "appProtocol": "kubernetes.io/h2c"}]
    await hello.export("east", EAST, ports=rows)
    assert by_name((await hello.imported("west"))["spec"]["ports"]) == by_name(rows)


async def test_09_ports_of_all_exports_are_joined_and_the_difference_is_a_conflict(hello: Hello) -> None:
    more = {"name": "sctp", "port": 142, "protocol": "SCTP"}
    await on_both(hello, ports=[PORTS[0], more])
    await hello.in_conflict("east", "west")
    for host in hello.clusterset.clusters:
        assert by_name((await hello.imported(host))["spec"]["ports"]) == by_name([*PORTS, more])


async def test_10_of_two_numbers_for_one_port_the_older_exports_counts(hello: Hello) -> None:
    await on_both(hello, ports=[{**PORTS[0], "port": 43}])
    await hello.in_conflict("east", "west")
    for host in hello.clusterset.clusters:
        assert by_name((await hello.imported(host))["spec"]["ports"]) == by_name(PORTS)


async def test_11_and_12_a_headless_service_has_no_address(hello: Hello) -> None:
    await hello.export("east", EAST, clusterIP="None")
    for host in hello.clusterset.clusters:
        assert (await hello.imported(host))["spec"]["type"] == "Headless"

    async def addresses() -> list[str]:
        return list((await hello.imported("west"))["spec"].get("ips") or ())

    await hello.holds(addresses, [])
    await hello.unexport("east")
    for host in hello.clusterset.clusters:
        await hello.gone(host)


async def test_13_an_external_name_is_not_exported(hello: Hello) -> None:
    await hello.clusterset.service("east", hello.key, {"type": "ExternalName", "externalName": "example.com"})
    await hello.clusterset.wish("east", hello.key)
    await hello.clusterset.wait(lambda: hello.status("east", "Valid"), "False", LIMIT)
    for host in hello.clusterset.clusters:
        await hello.holds(lambda host=host: hello.clusterset.imported(host, hello.key), None, 0.5)  # type: ignore[misc]


async def test_14_of_headless_and_not_the_older_export_counts(hello: Hello) -> None:
    await on_both(hello, clusterIP="None")
    await hello.in_conflict("east", "west")
    for host in hello.clusterset.clusters:
        spec = (await hello.imported(host))["spec"]
        assert (spec["type"], len(spec["ips"])) == ("ClusterSetIP", 2)


async def test_15_an_import_has_the_exports_notes_and_not_the_services(hello: Hello) -> None:
    labels, annotations = {"exported-label": "a"}, {"exported-annotation": "b"}
    await hello.export("east", EAST, {"exportedLabels": labels, "exportedAnnotations": annotations})
    for host in hello.clusterset.clusters:
        found = (await hello.imported(host))["metadata"]
        assert labels.items() <= found["labels"].items()
        assert annotations.items() <= found["annotations"].items()
        assert not NOTES.keys() & (found["labels"].keys() | found["annotations"].keys())


async def test_16_of_two_sets_of_notes_the_older_exports_counts(hello: Hello) -> None:
    first, second = ({f"exported{kind}": {name: "x"} for kind in ("Labels", "Annotations")} for name in ("one", "two"))
    await on_both(hello, first, second)
    await hello.in_conflict("east", "west")
    told = await hello.clusterset.conditions("west", "serviceexports", hello.key)
    assert told["Conflict"]["reason"] == "LabelsConflict,AnnotationsConflict"
    for host in hello.clusterset.clusters:
        found = (await hello.imported(host))["metadata"]
        for notes in (found["labels"], found["annotations"]):
            assert ("one" in notes, "two" in notes) == (True, False)


async def test_17_endpoints_are_in_slices_that_name_their_cluster(hello: Hello) -> None:
    await hello.export("east", EAST)
    names: dict[str, set[str]] = {}
    for host in hello.clusterset.clusters:

        async def families(host: str = host) -> list[str]:
            return sorted(item["addressType"] for item in await hello.slices(host))

        await hello.clusterset.wait(families, ["IPv4", "IPv6"], LIMIT)
        for item in await hello.slices(host):
            labels = item["metadata"]["labels"]
            assert labels["multicluster.kubernetes.io/service-name"] == "hello"
            assert labels["multicluster.kubernetes.io/source-cluster"] == "east"
            assert labels[MANAGER] not in ("", "endpointslice-controller.k8s.io")
            names.setdefault(host, set()).add(item["metadata"]["name"])
    await hello.unexport("east")
    for host, slices in names.items():
        for name in slices:
            path = f"{EPS}/namespaces/{hello.key[0]}/endpointslices/{name}"
            await hello.clusterset.wait(lambda h=host, p=path: hello.clusterset.client[h].try_get(p), None, LIMIT)  # type: ignore[misc]
