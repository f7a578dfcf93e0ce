"""The services stage on real API servers: names in CoreDNS, other owners' definitions, going off, leaving."""

from __future__ import annotations

import uuid
from dataclasses import replace
from pathlib import Path

from ansible_collections.clusterset.fabric.plugins.module_utils.apply.holders import grant, revoke_all
from ansible_collections.clusterset.fabric.plugins.module_utils.apply.leave import leave
from ansible_collections.clusterset.fabric.plugins.module_utils.apply.types import Options
from ansible_collections.clusterset.fabric.plugins.module_utils.model.types import ExportWish
from ansible_collections.clusterset.fabric.plugins.module_utils.objects.links import fabric
from ansible_collections.clusterset.fabric.plugins.module_utils.objects.mcs_crds import MCS_NAMES
from tests.unit.objects.test_corefile import KUBEADM
from tests.unit.plan.samples import model

from .clusterset import COREFILE, HOME, Clusterset, Object, plan_of, until
from .servers import Server

CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


async def put_corefiles(clusterset: Clusterset) -> None:
    for host in clusterset.clusters:
        await clusterset.put_corefile(host, KUBEADM)


async def test_names_are_added_kept_and_taken_away(clusters: dict[str, Server], tmp_path: Path) -> None:
    pair = {name: clusters[name] for name in ("east", "west")}
    async with Clusterset(pair, tmp_path, plan_of(pair)) as clusterset:
        await put_corefiles(clusterset)
        clusterset.answer_names()
        told = await clusterset.share(Options(check=True, wait=False))
        assert "ConfigMap kube-system/coredns" in told.results["east"].updated
        assert await clusterset.corefile("east") == KUBEADM
        await clusterset.share()
        text = await clusterset.corefile("east")
        assert "multicluster clusterset.local # clusterset.fabric" in text
        rules = await clusterset.client["east"].get(
            "/apis/rbac.authorization.k8s.io/v1/clusterroles/clusterset-fabric:coredns"
        )
        assert {name for rule in rules["rules"] for name in rule["resources"]} == {"serviceimports", "endpointslices"}
        edited = {"data": {"Corefile": text.replace("ttl 30", "ttl 5")}}
        await clusterset.client["east"].request(
            "PATCH", COREFILE, body=edited, content_type="application/merge-patch+json"
        )
        again = await clusterset.share()
        assert max(result.requests for result in again.results.values()) <= 2  # of the bundles: each looks once
        assert not any(result.changed for result in again.results.values()), again.results
        clusterset.answer_names("off")
        await clusterset.share()
        assert await clusterset.corefile("east") == KUBEADM.replace("ttl 30", "ttl 5")
        assert not any(result.changed for result in (await clusterset.share()).results.values())


async def test_an_old_coredns_gets_one_of_ours_beside_it(clusters: dict[str, Server], tmp_path: Path) -> None:
    east = {"east": clusters["east"]}
    path = f"/apis/apps/v1/namespaces/{HOME}/deployments/fabric-dns"
    async with Clusterset(east, tmp_path, plan_of(east)) as clusterset:
        client = clusterset.client["east"]
        await put_corefiles(clusterset)
        clusterset.answer_names("stub")
        await clusterset.share(Options(check=True, wait=False))
        assert await clusterset.corefile("east") == KUBEADM
        await clusterset.share()
        assert await client.try_get(path) is not None
        address = (await client.get(f"/api/v1/namespaces/{HOME}/services/fabric-dns"))["spec"]["clusterIP"]
        assert f"clusterset.local:53 {{\n    errors\n    forward . {address}\n" in await clusterset.corefile("east")
        assert not any(result.changed for result in (await clusterset.share()).results.values())
        clusterset.answer_names()  # CoreDNS was upgraded
        await clusterset.share()
        assert await client.try_get(path) is None
        assert "forward . 10" not in await clusterset.corefile("east")
        clusterset.answer_names("off")
        await clusterset.share()
        assert await clusterset.corefile("east") == KUBEADM


async def test_a_cluster_leaves_with_all_that_was_made_and_nothing_else(
    clusters: dict[str, Server], tmp_path: Path
) -> None:
    pair = {name: clusters[name] for name in ("east", "west")}
    space = f"t{uuid.uuid4().hex[:8]}"
    key = (space, "hello")
    async with Clusterset(pair, tmp_path, plan_of(pair)) as clusterset:
        await put_corefiles(clusterset)
        clusterset.answer_names()
        await clusterset.share()
        for name in pair:
            await clusterset.start(name)
        await clusterset.make_namespace(space)
        await clusterset.export("east", key, ["10.41.0.7"])
        await clusterset.export("west", key, ["10.42.0.7"])
        both = {"east": ["10.41.0.7"], "west": ["10.42.0.7"]}
        for name in pair:
            await clusterset.wait(lambda name=name: clusterset.addresses(name, key), both, 40)  # type: ignore[misc]
        # and one that the inventory asks for, which goes with the cluster
        chosen = replace(clusterset.plan.cluster("west").services, exports=(ExportWish(space, "till"),))
        await clusterset.client["west"].apply(fabric(replace(clusterset.plan.cluster("west"), services=chosen)))
        await clusterset.service("west", (space, "till"), {"ports": [{"port": 80}]})
        await clusterset.wait(lambda: imported(clusterset, (space, "till")), True, 40)
        models = [
            model(host, kubeconfig=str(server.kubeconfig), context=host, deadline=60) for host, server in pair.items()
        ]
        policy = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies/clusterset-fabric-token-life"
        await grant(clusterset.client["west"], "ada", "view", 1, Options())
        assert await clusterset.client["west"].try_get(policy)
        # there is no agent here that would undo a node, and no controller that would empty a namespace
        gone = await leave(models, [models[1]], Options(wait=False), lambda _host, _text: None)
        assert not gone.failed, gone.failed
        west, east = clusterset.client["west"], clusterset.client["east"]
        assert await west.try_get(f"/apis/multicluster.x-k8s.io/v1beta1/namespaces/{space}/serviceexports/hello")
        assert not await west.try_get(f"/apis/multicluster.x-k8s.io/v1beta1/namespaces/{space}/serviceexports/till")
        assert await west.list("/apis/multicluster.x-k8s.io/v1beta1/serviceimports") == []
        services = await west.list(f"/api/v1/namespaces/{space}/services")
        assert [each["metadata"]["name"] for each in services] == ["hello", "till"]
        assert await clusterset.addresses("west", key) == {}
        assert await clusterset.corefile("west") == KUBEADM
        assert not (await revoke_all(west, Options())).changed
        assert await west.try_get(policy) is None
        await clusterset.wait(lambda: clusterset.addresses("east", key), {"east": ["10.41.0.7"]}, 20)
        assert await east.try_get(f"/api/v1/namespaces/{HOME}/secrets/peer-west") is None
        assert await east.try_get(f"/api/v1/namespaces/{HOME}/serviceaccounts/peer-west") is None


async def imported(clusterset: Clusterset, key: tuple[str, str]) -> bool:
    return await clusterset.imported("east", key) is not None


async def test_definitions_that_nobody_needs_go_with_the_services(clusters: dict[str, Server], tmp_path: Path) -> None:
    north = {"north": clusters["north"]}
    async with Clusterset(north, tmp_path, plan_of(north)) as clusterset:
        await clusterset.share()
        off = tuple(
            replace(each, services=replace(each.services, action="remove")) for each in clusterset.plan.clusters
        )
        clusterset.plan = replace(clusterset.plan, clusters=off)
        await clusterset.share()
        for name in MCS_NAMES:
            await until(lambda name=name: absent(clusterset, "north", name))  # type: ignore[misc]


async def absent(clusterset: Clusterset, host: str, definition: str) -> bool:
    return await clusterset.client[host].try_get(f"{CRDS}/{definition}") is None


async def test_definitions_of_another_owner_are_used_as_they_are(clusters: dict[str, Server], tmp_path: Path) -> None:
    north = {"north": clusters["north"]}
    async with Clusterset(north, tmp_path, plan_of(north)) as clusterset:
        client, on = clusterset.client["north"], clusterset.plan
        await clusterset.share()
        name = "serviceimports.multicluster.x-k8s.io"
        label: Object = {"metadata": {"labels": {"applyset.kubernetes.io/part-of": None, "owner": "somebody"}}}
        await client.request("PATCH", f"{CRDS}/{name}", body=label, content_type="application/merge-patch+json")
        await clusterset.share()
        assert "applyset.kubernetes.io/part-of" not in (await client.get(f"{CRDS}/{name}"))["metadata"]["labels"]
        off = tuple(
            replace(each, services=replace(each.services, action="remove")) for each in clusterset.plan.clusters
        )
        clusterset.plan = replace(clusterset.plan, clusters=off)
        await clusterset.share()
        assert await client.try_get(f"{CRDS}/{name}") is not None
        assert await client.try_get(f"/apis/apps/v1/namespaces/{HOME}/deployments/fabric-sync") is None
        # writing to a definition that is just being deleted can hold its deletion up until the server's next resync
        await until(lambda: absent(clusterset, "north", "serviceexports.multicluster.x-k8s.io"))
        clusterset.plan = on
        await clusterset.share()
        assert await client.try_get(f"{CRDS}/serviceexports.multicluster.x-k8s.io"), "only half of them are another's"
