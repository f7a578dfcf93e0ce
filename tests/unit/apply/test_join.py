"""Joining, on clusters of the stub: who learns of whom, and what is waited for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from ansible_collections.clusterset.fabric.plugins.module_utils.apply.links import join
from ansible_collections.clusterset.fabric.plugins.module_utils.apply.stage import Stage
from ansible_collections.clusterset.fabric.plugins.module_utils.apply.types import Options
from ansible_collections.clusterset.fabric.plugins.module_utils.client.types import ClusterRef
from ansible_collections.clusterset.fabric.plugins.module_utils.facts.owned import owned
from ansible_collections.clusterset.fabric.plugins.module_utils.facts.raw import Raw
from ansible_collections.clusterset.fabric.plugins.module_utils.model.types import LinkWish
from ansible_collections.clusterset.fabric.plugins.module_utils.plan.build import build_plan
from tests.benchmark.stub.server import Stub
from tests.unit.plan.samples import facts, model

from .agents import OURS, Agents, Object

HOSTS = ("east", "north", "west")
HUB = (LinkWish(("east", "*")),)


def raw(stub: Stub, host: str) -> Raw:
    def items(plural: str) -> list[Object]:
        return [obj for path, obj in stub[host].store.objects.items() if path.startswith(f"{OURS}/{plural}/")]

    crds = frozenset({"fabrics.fabric.clusterset.io"} if items("fabrics") else ())
    return Raw(crds=crds, fabrics=items("fabrics"), gateways=items("gateways"), peers=items("peers"))


async def run(stub: Stub, deadline: int = 20, **changes: Mapping[str, object]) -> Stage:
    found = {host: replace(facts(host), owned=owned(raw(stub, host))) for host in HOSTS}
    common = {"links": HUB, "deadline": deadline, "gateway_count": 1}
    models = [model(host, **{**common, **changes.get(host, {})}) for host in HOSTS]
    refs = [ClusterRef(host, stub.kubeconfig, host) for host in HOSTS]
    return await join(build_plan(models, found), refs, Options(), lambda _host, _text: None)


def peers(stub: Stub, host: str) -> dict[str, Object]:
    found = stub[host].store.objects
    return {path.rsplit("/", 1)[1]: obj["spec"] for path, obj in found.items() if path.startswith(f"{OURS}/peers/")}


async def test_spokes_know_each_other_as_soon_as_the_hub_is_a_way(tmp_path: Path) -> None:
    async with Stub(tmp_path, list(HOSTS)) as stub:
        Agents(stub)
        assert not (await run(stub)).failed
        assert (set(peers(stub, "west")), set(peers(stub, "east"))) == ({"east"}, {"north", "west"})
        assert not (await run(stub, east={"transit": True})).failed
        assert set(peers(stub, "west")) == {"east", "north"}
        assert peers(stub, "west")["north"]["via"] == "east"
        assert not any(result.changed for result in (await run(stub, east={"transit": True})).results.values())


async def test_a_gateway_more_takes_nothing_from_those_that_are_there(tmp_path: Path) -> None:
    async with Stub(tmp_path, list(HOSTS)) as stub:
        agents = Agents(stub)
        await run(stub)
        lost = []
        stub["west"].store.listeners.append(lambda event, path, _obj: lost.append(path) if event == "DELETED" else None)
        assert not (await run(stub, east={"gateway_count": 2})).failed
        assert [row["node"] for row in peers(stub, "west")["east"]["gateways"]] == ["east-worker", "east-worker2"]
        assert (lost, agents.gaps) == ([], [])


async def test_links_that_do_not_come_up_are_named(tmp_path: Path) -> None:
    async with Stub(tmp_path, list(HOSTS)) as stub:
        agents = Agents(stub)
        agents.deaf = {"east"}
        failed = (await run(stub, deadline=4)).failed
        assert "links are not up: west-worker to east/east-worker (link 0, keys 0)" in failed["west"]
        assert "Fix:" in failed["west"]
