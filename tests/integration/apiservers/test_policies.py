"""Policies on real API servers: who is published, what the peers make of it, and who may read what."""

from __future__ import annotations

import signal
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.clusterset.fabric.plugins.module_utils.apply.policies import police
from ansible_collections.clusterset.fabric.plugins.module_utils.apply.stage import Stage
from ansible_collections.clusterset.fabric.plugins.module_utils.apply.types import Options
from ansible_collections.clusterset.fabric.plugins.module_utils.client.client import MERGE
from ansible_collections.clusterset.fabric.plugins.module_utils.model.policy_wishes import policy_wishes
from ansible_collections.clusterset.fabric.plugins.module_utils.objects.links import fabric
from clusterset_agent.policy import Selector

from .clusterset import HOME, OURS, Clusterset, Object, ours, plan_of
from .servers import Server
from .test_credentials import status, stolen

SPACE = "policies"
ENTRIES: list[Object] = [
    {"name": "db", "from": {"labels": {"app": "frontend"}}, "to": {"labels": {"app": "db"}, "clusters": ["east"]}},
    {"name": "cart", "from": {"labels": {"app": "frontend"}}, "to": {"export": f"{SPACE}/cart"}},
]
FRONTEND = Selector(("east", "west"), labels=(("app", "frontend"),))
NARROW = Selector(("east", "west"), labels=(("app", "frontend"),), namespaces=(SPACE,))
CART = Selector(("east", "west"), export=f"{SPACE}/cart")


async def police_all(clusterset: Clusterset) -> Stage:
    refs = [server.ref for server in clusterset.clusters.values()]
    stage = await police(clusterset.plan, refs, Options(wait=False), lambda _host, _text: None)
    assert not stage.failed, stage.failed
    return stage


async def pod(
    clusterset: Clusterset, host: str, name: str, address: str, spec: Object | None = None, **labels: str
) -> None:
    """A pod object and its status, as the scheduler and a kubelet would leave it."""
    metadata = {"namespace": SPACE, "name": name, "labels": labels}
    body = {"nodeName": "n1", "containers": [{"name": "c", "image": "c"}], **(spec or {})}
    client, path = clusterset.client[host], f"/api/v1/namespaces/{SPACE}/pods/{name}"
    await client.apply({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": body})
    change = {"status": {"phase": "Running", "podIP": address, "podIPs": [{"ip": address}]}}
    await client.request("PATCH", f"{path}/status", body=change, content_type=MERGE)


async def relabel(clusterset: Clusterset, host: str, name: str, app: str) -> float:
    path = f"/api/v1/namespaces/{SPACE}/pods/{name}"
    body = {"metadata": {"labels": {"app": app}}}
    await clusterset.client[host].request("PATCH", path, body=body, content_type=MERGE)
    return time.monotonic()


async def identities(clusterset: Clusterset, host: str) -> list[Object]:
    items = await clusterset.client[host].list(f"{OURS}/namespaces/{HOME}/podidentities")
    return sorted((item["spec"] for item in items), key=lambda spec: str(spec["labels"]))


async def selected(clusterset: Clusterset, host: str, selector: str) -> dict[str, list[str]]:
    """Addresses that a selector stands for in a cluster, by the ports of an export."""
    found: dict[str, list[str]] = {}
    for item in await clusterset.client[host].list(f"{OURS}/namespaces/{HOME}/selections"):
        if item["spec"]["selector"] == selector:
            ports = ",".join(item["spec"].get("ports") or ())
            found[ports] = sorted([*found.get(ports, []), *item["spec"]["addresses"]])
    return found


@pytest.fixture
async def policed(clusters: dict[str, Server], tmp_path: Path) -> AsyncIterator[Clusterset]:
    """East and west with policies, a sync part running in each."""
    pair = {name: clusters[name] for name in ("east", "west")}
    wishes, errors = policy_wishes("east", ENTRIES)
    assert not errors
    async with Clusterset(pair, tmp_path, plan_of(pair, policies=wishes, policy_default="deny")) as clusterset:
        await clusterset.share()
        await police_all(clusterset)
        await clusterset.make_namespace(SPACE)
        for client in clusterset.client.values():
            metadata = {"namespace": SPACE, "name": "default"}
            await client.apply({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata})
        for name in pair:
            await clusterset.start(name)
        yield clusterset
        for name in pair:  # what other tests begin with
            await clusterset.client[name].apply(fabric(plan_of(pair).cluster(name)))


async def test_pods_are_published_by_label_and_found_by_the_peer(policed: Clusterset) -> None:
    again = await police_all(policed)
    assert not any(result.changed for result in again.results.values())
    await pod(policed, "west", "front", "10.42.0.5", app="frontend", owner="secret")
    await pod(policed, "west", "other", "10.42.0.6", app="other")
    await pod(policed, "west", "host", "172.30.0.21", {"hostNetwork": True}, app="frontend")
    await pod(policed, "east", "db", "10.41.0.9", app="db")
    only = {"namespace": SPACE, "labels": {"app": "frontend"}}
    await policed.wait(lambda: identities(policed, "west"), [{**only, "addresses": ["10.42.0.5"]}], 60)
    for host in ("east", "west"):
        await policed.wait(lambda host=host: selected(policed, host, FRONTEND.id), {"": ["10.42.0.5"]})  # type: ignore[misc]

    async def frontends() -> Any:
        return await selected(policed, "east", FRONTEND.id)

    times = []
    for _round in range(5):
        for app, wanted in (("other", {}), ("frontend", {"": ["10.42.0.5"]})):
            began = await relabel(policed, "west", "front", app)
            await policed.wait(frontends, wanted)
            times.append(time.monotonic() - began)
    median = sorted(times)[len(times) // 2]
    print(f"a label's change is with the peer's gateways after {median * 1000:.0f} ms, at most {max(times) * 1000:.0f}")
    assert median < 1.0, times

    # an address moves to a pod that no policy names, and a peer may not speak for addresses of others
    await pod(policed, "west", "second", "10.42.0.7", app="frontend")
    await policed.wait(frontends, {"": ["10.42.0.5", "10.42.0.7"]})
    path = f"/api/v1/namespaces/{SPACE}/pods/second"
    await policed.client["west"].request("DELETE", path, body={"gracePeriodSeconds": 0})
    await policed.wait(frontends, {"": ["10.42.0.5"]})
    await policed.export("west", (SPACE, "cart"), ["10.42.0.20", "10.42.0.21"])
    cart = {"tcp/8042": ["10.42.0.20", "10.42.0.21"]}
    await policed.wait(lambda: selected(policed, "east", CART.id), cart)

    async def observed() -> list[Any]:

        path = f"{OURS}/namespaces/{HOME}/fabricpolicies/local"
        found = [await client.get(path) for client in policed.client.values()]
        return [item["metadata"]["generation"] == item.get("status", {}).get("observedGeneration") for item in found]

    await policed.wait(observed, [True, True])
    service = await policed.client["east"].get("/api/v1/namespaces/default/services/kubernetes")
    assert await selected(policed, "east", "api") == {"tcp/443": [service["spec"]["clusterIP"]]}

    # other policies: the former ones are kept up for a while, so that no gateway is without
    first = policed.plan
    wishes, _errors = policy_wishes("east", [{**ENTRIES[0], "from": {**ENTRIES[0]["from"], "namespaces": [SPACE]}}])
    policed.plan = plan_of(policed.clusters, policies=wishes, policy_default="deny")
    await police_all(policed)
    await policed.wait(observed, [True, True])
    assert await selected(policed, "east", NARROW.id) == await frontends() == {"": ["10.42.0.5"]}
    policed.plan = first
    await police_all(policed)
    await policed.wait(observed, [True, True])

    # a sync part that starts anew, and has no way to the peer, withdraws nothing of it
    secret = f"/api/v1/namespaces/{HOME}/secrets/peer-west"
    policed.parts.pop("east-0").stop()
    kept = await policed.client["east"].get(secret)
    await policed.client["east"].delete(secret)
    await policed.start("east", "1", PEER_TIMEOUT="600")
    ends = time.monotonic() + 3
    while time.monotonic() < ends:
        assert await frontends() == {"": ["10.42.0.5"]}
    assert await selected(policed, "east", CART.id) == cart

    # a peer must not speak for addresses of others
    policed.parts["west-0"].stop(signal.SIGKILL)
    kept["metadata"] = {key: kept["metadata"][key] for key in ("name", "namespace", "labels", "annotations")}
    await policed.client["east"].apply(kept)
    forged = {**only, "addresses": ["10.41.0.66", "10.42.0.8"]}
    await policed.client["west"].apply(ours("PodIdentity", "ffff-0", forged))
    await policed.wait(frontends, {"": ["10.42.0.5", "10.42.0.8"]})
    await policed.client["west"].delete(f"{OURS}/namespaces/{HOME}/podidentities/ffff-0")


async def test_a_peer_reads_identities_and_nothing_else_of_policies(policed: Clusterset) -> None:
    async with stolen(policed, "east", "west") as client:
        root = f"{OURS}/namespaces/{HOME}"
        assert await status(client, "GET", f"{root}/podidentities") == 200
        refused = [
            ("GET", f"{root}/selections"),
            ("GET", f"{root}/fabricpolicies"),
            ("GET", f"{OURS}/podidentities"),
            ("GET", "/api/v1/pods"),
            ("GET", f"/api/v1/namespaces/{SPACE}/pods"),
            ("DELETE", f"{root}/podidentities/a-0"),
            ("POST", f"{root}/podidentities"),
        ]
        answers = {f"{method} {path}": await status(client, method, path, {}) for method, path in refused}
        assert set(answers.values()) == {403}, answers

    for part in policed.parts.values():
        part.stop()
    off = tuple(replace(cluster, policies="remove") for cluster in policed.plan.clusters)
    policed.plan = replace(policed.plan, clusters=off)
    stage = await police_all(policed)
    assert all(result.changed for result in stage.results.values())

    async def left() -> list[str]:
        kinds = (
            "apiextensions.k8s.io/v1/customresourcedefinitions",
            f"rbac.authorization.k8s.io/v1/namespaces/{HOME}/roles",
        )
        lists = [
            await client.list(f"/apis/{kind}", metadata_only=True)
            for client in policed.client.values()
            for kind in kinds
        ]
        names = [item["metadata"]["name"] for items in lists for item in items]
        return [name for name in names if any(word in name for word in ("polic", "identities", "selections"))]

    await policed.wait(left, [])
    again = await police_all(policed)
    assert not any(result.changed for result in again.results.values())
