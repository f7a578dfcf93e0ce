"""Gateways without a playbook, on real API servers: what a peer publishes is followed. The test plays the agents."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ansible_collections.clusterset.fabric.plugins.module_utils.apply.bundle import apply_bundle, delete_bundle
from ansible_collections.clusterset.fabric.plugins.module_utils.apply.links import with_gateways
from ansible_collections.clusterset.fabric.plugins.module_utils.apply.types import Options, Result
from ansible_collections.clusterset.fabric.plugins.module_utils.client.client import MERGE, open_client
from ansible_collections.clusterset.fabric.plugins.module_utils.client.errors import ApiError
from ansible_collections.clusterset.fabric.plugins.module_utils.client.types import ClusterRef
from ansible_collections.clusterset.fabric.plugins.module_utils.facts.collect import read
from ansible_collections.clusterset.fabric.plugins.module_utils.facts.nodes import nodes
from ansible_collections.clusterset.fabric.plugins.module_utils.facts.owned import owned
from ansible_collections.clusterset.fabric.plugins.module_utils.objects.bundle import Bundle
from ansible_collections.clusterset.fabric.plugins.module_utils.objects.links import fabric, peer_objects
from ansible_collections.clusterset.fabric.plugins.module_utils.plan.build import build_plan
from ansible_collections.clusterset.fabric.plugins.module_utils.plan.types import Plan
from clusterset_agent.wanted import in_force
from tests.unit.plan.samples import facts, model

from .clusterset import HOME, OURS, Clusterset, Object, ours, plan_of
from .servers import Server

ROOT = f"{OURS}/namespaces/{HOME}"
NODES = "/api/v1/nodes"
BUNDLE = "links-without-agents"
QUICK = 2.0
"""Seconds within which a change at a peer is followed."""


def key(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


class Linked(Clusterset):
    """A pair that has links by the plan; Node and Gateway objects are made by the test."""

    async def _prepare(self, name: str) -> None:
        for left in ("fabrics/local", "peers/east", "peers/north", "peers/west"):  # by an earlier test
            await self.client[name].delete(f"{ROOT}/{left}")
        await super()._prepare(name)
        for number, node in enumerate(self.plan.cluster(name).gateways, start=1):
            await self.node(name, node.node, node.endpoint)
            await self.publish(name, node.node, node.ordinal, f"{number}", node.endpoint)

    async def node(self, host: str, name: str, address: str, *, ready: bool = True, zone: str = "") -> None:
        """A Node as its kubelet would make it."""
        metadata = {"name": name, "labels": {"topology.kubernetes.io/zone": zone} if zone else {}}
        await self.client[host].apply({"apiVersion": "v1", "kind": "Node", "metadata": metadata})
        status: Object = {
            "addresses": [{"type": "InternalIP", "address": address}],
            "conditions": [{"type": "Ready", "status": "True" if ready else "Unknown"}],
        }
        body = {"status": status}
        await self.client[host].request("PATCH", f"{NODES}/{name}/status", body=body, content_type=MERGE)

    async def publish(self, host: str, node: str, ordinal: int, last: str, endpoint: str, *keys: str) -> None:
        """A Gateway as its agent would publish it; ``keys`` are of the generations from 0."""
        third = 4 * self.plan.cluster(host).index
        spec: Object = {"node": node, "ordinal": ordinal, "tunnelAddress": f"10.248.{third}.{last}"}
        rows = [{"generation": n, "publicKey": key(text)} for n, text in enumerate(keys or (node,))]
        spec |= {"endpoint": endpoint, "implementation": "kernel", "keys": rows}
        await self.client[host].apply(ours("Gateway", node, spec))

    async def link_up(self, host: str, node: str, peer: str, remote: str) -> None:
        """A Link as the agent of a gateway reports it."""
        name = f"{node}.{peer}.{remote}.0"
        spec: Object = {"node": node, "peer": peer, "remoteGateway": remote, "driver": "wireguard", "number": 0}
        await self.client[host].apply(ours("Link", name, {**spec, "generation": 0, "cost": 100, "interface": "fab-0"}))
        body = {"status": {"state": "Up"}}
        await self.client[host].request("PATCH", f"{ROOT}/links/{name}/status", body=body, content_type=MERGE)

    async def site(self, **options: str) -> dict[str, Result]:
        """What `site` puts into each cluster of links, planned from what the clusters hold now."""
        found = {}
        for name, client in self.client.items():
            raw = await read(client)
            found[name] = facts(name, owned=owned(raw), nodes=nodes(raw))
        models = [model(name, api_endpoint=f"127.0.0.1:{each.port}") for name, each in self.clusters.items()]
        plan: Plan = build_plan(models, found)
        plan = with_gateways(plan, {name: each.owned.gateways for name, each in found.items()})
        results = {}
        for name, client in self.client.items():
            cluster = plan.cluster(name)
            bundle = Bundle(BUNDLE, (fabric(cluster), *peer_objects(plan, cluster)))
            results[name] = await apply_bundle(client, bundle, Options(drift=options.get("drift", "full")))
        self.plan = plan
        return results

    async def known(self, reader: str, peer: str) -> list[tuple[str, int, str, tuple[str, ...]]]:
        """The gateways of a peer as the agents of ``reader`` take them."""
        rows = in_force(await self.client[reader].get(f"{ROOT}/peers/{peer}"))["gateways"]
        return [(r["node"], r["ordinal"], r["endpoint"], tuple(k["publicKey"] for k in r["keys"])) for r in rows]

    async def standing(self, reader: str, peer: str) -> str:
        item = await self.client[reader].get(f"{ROOT}/peers/{peer}")
        return str(((item.get("status") or {}).get("services") or {}).get("state", ""))

    async def clean(self) -> None:
        """Later tests begin with clusters that have neither nodes nor gateways."""
        for client in self.client.values():
            await delete_bundle(client, BUNDLE, Options(wait=False))
            for path in (f"{ROOT}/gateways", f"{ROOT}/links", NODES):
                for item in await client.list(path):
                    await client.delete(f"{path}/{item['metadata']['name']}")


@pytest.fixture
async def linked(clusters: dict[str, Server], tmp_path: Path) -> AsyncIterator[Linked]:
    """East and west, each with two gateways and a running sync part that hears the other."""
    pair = {name: clusters[name] for name in ("east", "west")}
    async with Linked(pair, tmp_path, plan_of(pair)) as made:
        try:
            await made.site()
            await made.share()
            for name, other in (("east", "west"), ("west", "east")):
                await made.start(name, GATEWAY_GRACE="4")
                assert len(await made.known(name, other)) == 2
            for name, other in (("east", "west"), ("west", "east")):
                await made.wait(lambda name=name, other=other: made.standing(name, other), "Alive", 30)  # type: ignore[misc]
            yield made
        finally:
            await made.clean()


async def test_what_a_peer_publishes_is_followed_and_the_playbook_agrees(linked: Linked) -> None:
    east, west = linked.client["east"], linked.client["west"]
    one, two = await linked.known("east", "west")
    assert (one[:3], two[:3]) == (("west-worker", 0, "172.30.0.21"), ("west-worker2", 1, "172.30.0.22"))
    assert "current" not in (await east.get(f"{ROOT}/peers/west"))["status"], "nothing has changed since the plan"
    again = await linked.site()
    assert not any(result.changed for result in again.values()), again

    async def follows(*wanted: tuple[str, int, str, tuple[str, ...]]) -> None:
        took = await linked.wait(lambda: linked.known("east", "west"), list(wanted))
        assert took < QUICK
        print(f"followed after {took:.2f} s")

    await linked.publish("west", "west-worker", 0, "1", "203.0.113.9")
    one = ("west-worker", 0, "203.0.113.9", (key("west-worker"),))
    await follows(one, two)
    await linked.publish("west", "west-worker2", 1, "2", "172.30.0.22", "west-worker2", "new")
    two = ("west-worker2", 1, "172.30.0.22", (key("west-worker2"), key("new")))
    await follows(one, two)
    await linked.publish("west", "west-third", 2, "3", "172.30.0.23")
    three = ("west-third", 2, "172.30.0.23", (key("west-third"),))
    await follows(one, two, three)
    await west.delete(f"{ROOT}/gateways/west-third")
    await follows(one, two)
    # a peer can claim neither a foreign tunnel address nor the number of another gateway
    await linked.publish("west", "west-bad", 5, "1", "172.30.0.24")
    await linked.publish("west", "a-bad", 1, "9", "172.30.0.25")
    await linked.publish("west", "west-worker", 0, "1", "203.0.113.10")
    await follows((*one[:2], "203.0.113.10", one[3]), two)
    for name in ("west-bad", "a-bad"):
        await west.delete(f"{ROOT}/gateways/{name}")

    # the spec is the playbook's, and what was found since is not: a run takes it over once, the next has nothing to do
    before = await linked.known("east", "west")
    generation = (await east.get(f"{ROOT}/peers/west"))["metadata"]["generation"]
    await linked.node("west", "west-worker", "203.0.113.10")
    assert (await linked.site())["east"].updated == (f"Peer {HOME}/west",)
    assert (await east.get(f"{ROOT}/peers/west"))["metadata"]["generation"] == generation + 1
    for drift in ("full", "workloads"):
        third = await linked.site(drift=drift)
        assert not any(result.changed for result in third.values()), (drift, third)
    assert [row[:3] for row in await linked.known("east", "west")] == [row[:3] for row in before]


async def test_a_silent_peer_keeps_its_gateways_and_what_the_playbook_says_then_counts(linked: Linked) -> None:
    east = linked.client["east"]
    await linked.publish("west", "west-worker", 0, "1", "203.0.113.9")
    known = [("west-worker", 0, "203.0.113.9", (key("west-worker"),)), (await linked.known("east", "west"))[1]]
    await linked.wait(lambda: linked.known("east", "west"), known)
    linked.clusters["west"].api.freeze()
    try:
        await linked.wait(lambda: linked.standing("east", "west"), "Dead", 20)
        assert await linked.known("east", "west") == known
        spec = in_force(await east.get(f"{ROOT}/peers/west"))
        rows = [{**spec["gateways"][0], "endpoint": "203.0.113.77"}]
        await east.apply(ours("Peer", "west", {**spec, "gateways": rows}))
        written = [(*known[0][:2], "203.0.113.77", known[0][3])]
        linked.parts["east-0"].stop()
        await linked.start("east", "1")
        await linked.wait(lambda: linked.standing("east", "west"), "Dead", 20)
        assert await linked.known("east", "west") == written
    finally:
        linked.clusters["west"].api.thaw()
    await linked.wait(lambda: linked.known("east", "west"), known, 30)


async def test_gateways_follow_their_nodes_and_the_peers_hear_of_it(linked: Linked) -> None:
    west = linked.client["west"]

    async def office() -> dict[str, tuple[int, str]]:
        rows = in_force(await west.get(f"{ROOT}/fabrics/local"))["gateways"]
        return {each["node"]: (each["ordinal"], each["endpoint"]) for each in rows}

    first = {"west-worker": (0, "172.30.0.21"), "west-worker2": (1, "172.30.0.22")}
    assert await office() == first
    await linked.node("west", "west-third", "172.30.0.23")
    await linked.node("west", "west-sick", "172.30.0.24", ready=False)
    await west.delete(f"{NODES}/west-worker")
    second = {"west-worker2": first["west-worker2"], "west-third": (2, "172.30.0.23")}
    assert await linked.wait(office, second) < QUICK + 1
    edited = {"spec": {"underlayMTU": 1450}}
    await west.request("PATCH", f"{ROOT}/fabrics/local", body=edited, content_type=MERGE)
    assert await office() == second, "an edit of something else takes nothing back"
    await west.delete(f"{ROOT}/gateways/west-worker")  # by the garbage collection, which is not here
    await linked.publish("west", "west-third", 2, "3", "172.30.0.23")

    async def seen() -> list[str]:
        return [row[0] for row in await linked.known("east", "west")]

    assert await linked.wait(seen, ["west-worker2", "west-third"]) < QUICK

    await linked.node("west", "west-fourth", "172.30.0.25")
    await linked.node("west", "west-worker2", "172.30.0.22", ready=False)
    third = {"west-third": second["west-third"], "west-fourth": (0, "172.30.0.25")}
    assert await linked.wait(office, {**second, **third}) > 3.0, "a gateway has its grace"
    await linked.link_up("west", "west-third", "east", "east-worker")
    await asyncio.sleep(2.5)
    assert await office() == {**second, **third}, "it leaves when those in its place have links, not before"
    await linked.link_up("west", "west-fourth", "east", "east-worker")
    assert await linked.wait(office, third) < QUICK + 1
    await linked.node("west", "west-worker2", "172.30.0.22")
    notes = {"metadata": {"annotations": {"fabric.clusterset.io/endpoint": "203.0.113.30"}}}
    await west.request("PATCH", f"{NODES}/west-third", body=notes, content_type=MERGE)
    fourth = {"west-third": (2, "203.0.113.30"), "west-fourth": third["west-fourth"]}
    assert await linked.wait(office, fourth) < QUICK + 1

    # the plan finds the same gateways in office, and takes them over
    generation = (await west.get(f"{ROOT}/fabrics/local"))["metadata"]["generation"]
    await linked.publish("west", "west-third", 2, "3", "203.0.113.30")
    await linked.publish("west", "west-fourth", 0, "4", "172.30.0.25")
    await west.delete(f"{ROOT}/gateways/west-worker2")
    assert f"Fabric {HOME}/local" in (await linked.site())["west"].updated
    assert not any(result.changed for result in (await linked.site()).values())
    fabric_now = await west.get(f"{ROOT}/fabrics/local")
    assert (fabric_now["metadata"]["generation"], await office()) == (generation + 1, fourth)
    assert await linked.wait(seen, ["west-fourth", "west-third"]) < QUICK


async def test_the_sync_part_may_write_the_status_of_our_objects_and_nothing_else_of_them(linked: Linked) -> None:
    path = linked.folder / "rights.kubeconfig"
    linked.clusters["east"].write_kubeconfig(path, await linked.token("east", "fabric-sync"))
    client = await open_client(ClusterRef("east", str(path), "east"), deadline=30)
    async with client:
        for name in ("fabrics/local", "peers/west", "gateways/east-worker", "links/none"):
            for method, body in (("PATCH", {"spec": {"index": 9}}), ("DELETE", None)):
                with pytest.raises(ApiError) as refused:
                    await client.request(method, f"{ROOT}/{name}", body=body, content_type=MERGE)
                assert refused.value.status == 403, (method, name)
        with pytest.raises(ApiError) as refused:
            await client.request("PATCH", f"{NODES}/east-worker", body={"spec": {}}, content_type=MERGE)
        assert refused.value.status == 403
