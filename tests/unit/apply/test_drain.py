"""Gateways are marked, waited for, and taken back; nothing is touched where it would hurt."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from ansible_collections.clusterset.fabric.plugins.module_utils.apply.drain import Drain, drain
from ansible_collections.clusterset.fabric.plugins.module_utils.apply.types import Options
from ansible_collections.clusterset.fabric.plugins.module_utils.model.types import ClusterModel
from ansible_collections.clusterset.fabric.plugins.module_utils.plan.build import RefusedError
from tests.benchmark.stub.server import Cluster, Stub

from .agents import Agents, Object, define_kinds, put

NODES = ("gw1", "gw2")


@pytest_asyncio.fixture
async def stub(tmp_path: Path) -> AsyncIterator[Stub]:
    async with Stub(tmp_path, ["east", "west"]) as servers:
        for cluster in servers.clusters.values():
            fill(cluster)
        yield servers


def fill(cluster: Cluster) -> None:
    define_kinds(cluster)
    for name in NODES:
        cluster.store.put(f"/api/v1/nodes/{name}", node(name))
    gateways = [{"node": name, "ordinal": at, "endpoint": ""} for at, name in enumerate(NODES)]
    spec = {"clusterID": cluster.name, "index": 0, "gateways": gateways, "keyGenerations": [0]}
    put(cluster, "Fabric", "fabrics", "local", spec)


def node(name: str) -> Object:
    status = {"conditions": [{"type": "Ready", "status": "True"}]}
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}, "spec": {}, "status": status}


async def run(
    stub: Stub, *names: str, state: str = "drained", check: bool = False, deadline: int = 20
) -> tuple[Drain, list[str]]:
    said: list[str] = []
    models = [
        ClusterModel(host, host, "fabric", "agent:1", stub.kubeconfig, host, deadline=deadline)
        for host in stub.clusters
    ]
    done = await drain(models, names, state, Options(check=check), lambda host, text: said.append(f"{host}: {text}"))
    return done, said


def marked(stub: Stub, cluster: str) -> list[str]:
    objects = stub[cluster].store.objects
    notes = {name: objects[f"/api/v1/nodes/{name}"]["metadata"].get("annotations") or {} for name in NODES}
    return [name for name in NODES if notes[name].get("fabric.clusterset.io/drain") == "true"]


async def test_a_gateway_is_drained_and_taken_back(stub: Stub) -> None:
    Agents(stub).work()
    done, said = await run(stub, "east/gw2")
    assert (done.changed, done.gateways, done.failed) == (True, ["east/gw2"], {})
    assert (marked(stub, "east"), marked(stub, "west")) == (["gw2"], [])
    assert said[-1] == "east: gateway gw2 is Drained"
    assert not (await run(stub, "east/gw2"))[0].changed
    assert (await run(stub, "east/gw2", state="active"))[0].changed
    assert marked(stub, "east") == []


async def test_the_last_gateway_stays_and_with_it_everything_else(stub: Stub) -> None:
    Agents(stub).work()
    await run(stub, "east/gw1")
    with pytest.raises(RefusedError, match="east: no active gateway would be left without gw2"):
        await run(stub, "east/gw2", "west/gw1")
    assert (marked(stub, "east"), marked(stub, "west")) == (["gw1"], [])


async def test_check_mode_marks_nothing(stub: Stub) -> None:
    Agents(stub).work()
    done, said = await run(stub, "east/gw2", check=True)
    assert (done.changed, said, marked(stub, "east")) == (True, ["east: would make gateway gw2 drained"], [])


async def test_an_agent_that_does_nothing_is_named(stub: Stub) -> None:
    agents = Agents(stub)
    agents.work()
    agents.dead = {"east"}
    done, _said = await run(stub, "east/gw2", "west/gw2", deadline=3)
    assert done.gateways == ["west/gw2"]
    assert "east: not Drained in time: gateway gw2 is Active" in done.failed["east"]


async def test_a_cluster_that_does_not_answer_fails_alone(stub: Stub) -> None:
    Agents(stub).work()
    stub["west"].faults.status = 403
    done, _said = await run(stub, "east/gw2", "west/gw2")
    assert (done.gateways, list(done.failed)) == (["east/gw2"], ["west"])
