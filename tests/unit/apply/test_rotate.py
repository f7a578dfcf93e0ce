"""Rotation on clusters of the stub, with agents that do what the objects say: no gap, wherever it is cut off."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from ansible_collections.clusterset.fabric.plugins.module_utils.apply.links import join
from ansible_collections.clusterset.fabric.plugins.module_utils.apply.rotate import Rotated, rotate
from ansible_collections.clusterset.fabric.plugins.module_utils.apply.types import Options
from ansible_collections.clusterset.fabric.plugins.module_utils.client.types import ClusterRef
from ansible_collections.clusterset.fabric.plugins.module_utils.errors import FabricError
from ansible_collections.clusterset.fabric.plugins.module_utils.facts.owned import owned
from ansible_collections.clusterset.fabric.plugins.module_utils.facts.raw import Raw
from ansible_collections.clusterset.fabric.plugins.module_utils.plan.build import build_plan
from ansible_collections.clusterset.fabric.plugins.module_utils.plan.rotation import decide
from ansible_collections.clusterset.fabric.plugins.module_utils.plan.types import Plan
from tests.benchmark.stub.server import Stub
from tests.unit.plan.samples import facts, model

from .agents import OURS, Agents, Object

HOSTS = ("east", "north", "west")
NOW = datetime(2026, 3, 31, 12, tzinfo=UTC)


class Set:
    """The clusterset: plans from what the clusters hold, joins, rotates."""

    def __init__(self, stub: Stub, agents: Agents) -> None:
        self.stub, self.agents = stub, agents
        self.absent: dict[str, str] = {}
        self.said: list[str] = []
        self.deadline = 20

    def plan(self) -> Plan:
        found = {host: replace(facts(host), owned=owned(self.raw(host))) for host in HOSTS if host not in self.absent}
        models = [model(host, deadline=self.deadline, gateway_count=1) for host in HOSTS]
        return build_plan(models, found, self.absent)

    def raw(self, host: str) -> Raw:
        def items(plural: str) -> list[Object]:
            found = self.stub[host].store.objects.items()
            return [obj for path, obj in found if path.startswith(f"{OURS}/{plural}/")]

        crds = frozenset({"fabrics.fabric.clusterset.io"} if items("fabrics") else ())
        return Raw(crds=crds, fabrics=items("fabrics"), gateways=items("gateways"), peers=items("peers"))

    def refs(self, plan: Plan) -> list[ClusterRef]:
        return [ClusterRef(cluster.host, self.stub.kubeconfig, cluster.host) for cluster in plan.clusters]

    async def join(self) -> bool:
        plan = self.plan()
        stage = await join(plan, self.refs(plan), Options(), self._say)
        assert not stage.failed
        return any(result.changed for result in stage.results.values())

    async def rotate(self, how: str = "rotate", *, check: bool = False, days: int = 0) -> Rotated:
        plan = self.plan()
        self.said = []
        limit = timedelta(days=days)
        return await rotate(plan, self.refs(plan), how, Options(check=check), self._say, older_than=limit, now=NOW)

    def _say(self, host: str, text: str) -> None:
        self.said.append(f"{host}: {text}")

    @property
    def held(self) -> list[list[int]]:
        return [list(self.agents.spec(host, "fabrics", "local")["keyGenerations"]) for host in HOSTS]

    @property
    def generations(self) -> set[int]:
        """Of all Link objects of all clusters."""
        return {link["spec"]["generation"] for host in HOSTS for link in self.agents.links(host).values()}

    @property
    def writes(self) -> int:
        return sum(cluster.store.writes for cluster in self.stub.clusters.values())


@pytest_asyncio.fixture
async def joined(tmp_path: Path) -> AsyncIterator[Set]:
    async with Stub(tmp_path, list(HOSTS)) as stub:
        found = Set(stub, Agents(stub))
        assert await found.join()
        yield found


async def test_three_clusters_rotate_without_a_gap_and_the_next_site_changes_nothing(joined: Set) -> None:
    assert not await joined.join()
    for generation in (1, 2, 3):
        done = await joined.rotate()
        assert (done.decision.verb, done.complete, done.notes, done.stage.failed) == ("begin", True, [], {})
        assert joined.held == [[generation]] * 3
        assert joined.generations == {generation}
    assert joined.agents.gaps == []
    assert joined.agents.spec("west", "fabrics", "local")["keysSince"] == "2026-03-31T12:00:00Z"
    assert "west: holds generation 2 and 3 of the link keys (before: 2)" in joined.said
    assert "west: 2 of 2 links have moved to generation 3" in joined.said
    assert not await joined.join()


@pytest.mark.parametrize("step", range(1, 19))
async def test_wherever_a_rotation_is_cut_off_the_next_one_ends_it(joined: Set, step: int) -> None:
    left = step

    def listener(_event: str, path: str, _obj: Object) -> None:
        nonlocal left
        left -= path.startswith((f"{OURS}/fabrics/", f"{OURS}/peers/"))
        if left <= 0:
            for cluster in joined.stub.clusters.values():
                cluster.faults.status = 401

    for cluster in joined.stub.clusters.values():
        cluster.store.listeners.append(listener)
    first = await joined.rotate()
    for cluster in joined.stub.clusters.values():
        cluster.store.listeners.remove(listener)
        cluster.faults.status = 0
    assert set(first.stage.failed) == set(HOSTS)
    if step % 2:
        await joined.join()  # a site in the middle keeps what is under way
    if decide(joined.plan(), "rotate", older_than=timedelta(0), now=NOW).verb == "resume":
        assert (await joined.rotate()).complete
    assert (joined.held, joined.generations, joined.agents.gaps) == ([[1]] * 3, {1}, [])


async def test_while_a_cluster_is_away_the_others_move_and_keep_the_old_keys(joined: Set) -> None:
    joined.absent = {"north": "north: no answer"}
    done = await joined.rotate()
    assert (done.decision.verb, done.complete) == ("begin", False)
    assert done.notes == [
        "north did not take part, so the old generation is kept: run rotate again when possible",
    ]
    assert joined.held == [[0, 1], [0], [0, 1]]
    carrying = {
        (link["spec"]["peer"], link["spec"]["generation"])
        for link in joined.agents.links("east").values()
        if link["status"]["carrying"]
    }
    assert carrying == {("north", 0), ("west", 1)}
    writes = joined.writes
    assert not (await joined.rotate()).complete
    assert joined.writes == writes
    joined.absent = {}
    assert (await joined.rotate()).complete
    assert (joined.held, joined.agents.gaps) == ([[1]] * 3, [])


async def test_links_that_do_not_come_up_are_named_and_the_old_ones_stay(joined: Set) -> None:
    joined.agents.blocked, joined.deadline = True, 4
    done = await joined.rotate()
    assert set(done.stage.failed) == set(HOSTS)
    assert "east-worker to north/north-worker (link 0, keys 1) is Connecting" in done.stage.failed["east"]
    assert (joined.held, joined.generations) == ([[0, 1]] * 3, {0, 1})
    joined.deadline = 20
    back = await joined.rotate("rollback")
    assert (back.decision.verb, back.complete) == ("rollback", True)
    assert (joined.held, joined.generations, joined.agents.gaps) == ([[0]] * 3, {0}, [])
    assert "keysSince" not in joined.agents.spec("east", "fabrics", "local")


async def test_a_key_that_stays_published_is_not_taken_for_gone(joined: Set) -> None:
    joined.agents.blocked, joined.deadline = True, 4
    await joined.rotate()
    joined.agents.keeping = True
    back = await joined.rotate("rollback")
    assert (back.complete, set(back.stage.failed)) == (False, set(HOSTS))


async def test_a_rollback_that_comes_too_late_touches_nothing(joined: Set) -> None:
    joined.absent = {"north": "north: no answer"}
    await joined.rotate()
    joined.absent = {}
    spec = joined.stub["west"].store
    spec.patch(f"{OURS}/fabrics/local", {"spec": {"keyGenerations": [1]}}, "test")
    writes = joined.writes
    with pytest.raises(FabricError, match="no way back to the old keys: west"):
        await joined.rotate("rollback")
    assert joined.writes == writes


async def test_revoking_drops_the_old_keys_first(joined: Set) -> None:
    done = await joined.rotate("revoke")
    assert (done.decision.verb, done.complete) == ("revoke", True)
    assert (joined.held, joined.generations) == ([[1]] * 3, {1})
    assert joined.agents.gaps  # that is what is asked for


async def test_revoking_goes_on_without_a_cluster_that_is_away_and_rotate_takes_it_along(joined: Set) -> None:
    joined.absent = {"north": "north: no answer"}
    done = await joined.rotate("revoke")
    assert (done.complete, joined.held) == (False, [[1], [0], [1]])
    assert done.notes[0].startswith("north did not take part")
    joined.absent = {}
    assert any("no generation of keys in common" in note for note in joined.plan().notes)
    assert (await joined.rotate()).complete
    assert joined.held == [[1]] * 3


async def test_check_mode_says_what_it_would_do(joined: Set) -> None:
    writes = joined.writes
    done = await joined.rotate(check=True)
    assert done.stage.results["east"].updated == ("Fabric clusterset-fabric/local",)
    assert "east: would hold generation 0 and 1 of the link keys (before: 0)" in joined.said
    assert (joined.writes, joined.held) == (writes, [[0]] * 3)


async def test_young_keys_are_left_alone(joined: Set) -> None:
    await joined.rotate()
    writes = joined.writes
    done = await joined.rotate(days=30)
    assert (done.decision.verb, done.complete, joined.writes) == ("nothing", True, writes)
