"""Random deaths under changing exports: in the end every cluster agrees with what is exported, nothing lost or stale.

``KILLS_SECONDS=900 KILLS_SEED=7`` in the environment make it longer, or the same again.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible_collections.clusterset.fabric.plugins.module_utils.errors import FabricError

from .clusterset import EPS, MCS, Clusterset, plan_of
from .servers import Server

SECONDS = float(os.environ.get("KILLS_SECONDS", "25"))
SEED = int(os.environ.get("KILLS_SEED") or random.SystemRandom().randrange(10**6))
REPLICAS, NAMES = ("0", "1"), 12
SETTLE_SECONDS = 60.0
Exports = dict[str, dict[str, list[str]]]
"""What each cluster exports: host -> name -> addresses."""


@dataclass
class Storm:
    """Changes of exports and deaths of programs, both from one seed; ``exports`` is what was really written."""

    made: Clusterset
    space: str
    dice: random.Random
    exports: Exports = field(default_factory=dict)
    changes: int = 0
    deaths: list[str] = field(default_factory=list)
    ends: float = 0.0

    async def rage(self, seconds: float) -> None:
        self.ends = time.monotonic() + seconds
        self.exports = {host: {} for host in self.made.clusters}
        await asyncio.gather(self._deaths(), *map(self._changes, self.made.clusters))

    async def _changes(self, host: str) -> None:
        """One change after another; one that got no answer is done again until it has."""
        number = 0
        while time.monotonic() < self.ends:
            name, number = f"s{self.dice.randrange(NAMES)}", number + 1
            if name in self.exports[host] and self.dice.random() < 0.4:
                del self.exports[host][name]
                await self._certainly(lambda name=name: self.made.unexport(host, (self.space, name)))  # type: ignore[misc]
            else:
                subnet = self.made.plan.cluster(host).pod_cidrs[0].rsplit(".", 2)[0]
                rows = [f"{subnet}.{number % 250}.{each}" for each in range(1, self.dice.randrange(2, 5))]
                self.exports[host][name] = rows
                await self._certainly(lambda name=name, rows=rows: self.made.export(host, (self.space, name), rows))  # type: ignore[misc]
            self.changes += 1
            await asyncio.sleep(self.dice.uniform(0.02, 0.4))

    async def _certainly(self, work: Callable[[], Awaitable[None]]) -> None:
        while True:
            with suppress(FabricError):
                return await work()
            await asyncio.sleep(0.2)

    async def _deaths(self) -> None:
        while time.monotonic() < self.ends:
            await asyncio.sleep(self.dice.uniform(0.3, 3.0))
            host = self.dice.choice(sorted(self.made.clusters))
            what = self.dice.choice((self._part, self._part, self._freeze, self._restart))
            self.deaths.append(f"{what.__name__.strip('_')} {host}")
            await what(host)

    async def _part(self, host: str) -> None:
        """A sync part is killed and comes back."""
        replica = self.dice.choice(REPLICAS)
        self.made.parts[f"{host}-{replica}"].stop(signal.SIGKILL)
        await asyncio.sleep(self.dice.uniform(0.0, 3.0))
        await self._certainly(lambda: self._start(host, replica))

    async def _start(self, host: str, replica: str) -> None:
        await self.made.start(host, replica)

    async def _freeze(self, host: str) -> None:
        """An API server takes connections and answers nothing, long enough for its endpoints to be withdrawn or not."""
        api = self.made.clusters[host].api
        api.freeze()
        try:
            await asyncio.sleep(self.dice.uniform(0.5, 9.0))
        finally:
            api.thaw()

    async def _restart(self, host: str) -> None:
        """An API server dies and is started again."""
        api = self.made.clusters[host].api
        api.stop(signal.SIGKILL)
        await asyncio.sleep(self.dice.uniform(0.0, 2.0))
        api.start()
        await self.made.clusters[host].ready()


def wanted(exports: Mapping[str, Mapping[str, list[str]]]) -> dict[str, dict[str, list[str]]]:
    """What each cluster must show: name -> source -> addresses."""
    found: dict[str, dict[str, list[str]]] = {}
    for host, rows in sorted(exports.items()):
        for name, addresses in rows.items():
            found.setdefault(name, {})[host] = sorted(addresses)
    return found


async def shown(made: Clusterset, host: str, space: str) -> dict[str, Any]:
    """What a cluster shows, in the form of :func:`wanted`, and whatever belongs to no import under ``stale``."""
    client = made.client[host]
    imports = {item["metadata"]["name"] for item in await client.list(f"{MCS}/namespaces/{space}/serviceimports")}
    found: dict[str, Any] = {name: {} for name in sorted(imports)}
    for item in await client.list(f"{EPS}/namespaces/{space}/endpointslices"):
        labels = item["metadata"]["labels"]
        name, source = (labels.get(f"multicluster.kubernetes.io/{what}") for what in ("service-name", "source-cluster"))
        if name and source:
            rows = [each for row in item["endpoints"] or () for each in row["addresses"]]
            known = found.setdefault(name, {"stale": "slice"})
            known[source] = sorted([*known.get(source, []), *rows])
    for item in await client.list(f"/api/v1/namespaces/{space}/services"):
        name = (item["metadata"].get("labels") or {}).get("multicluster.kubernetes.io/service-name")
        if name and name not in imports:
            found.setdefault(name, {})["stale"] = "service"
    return found


async def test_all_agree_after_random_deaths(clusters: dict[str, Server], tmp_path: Path) -> None:
    print(f"seed {SEED}, {SECONDS:.0f} s")
    space = f"t{uuid.uuid4().hex[:8]}"
    async with Clusterset(clusters, tmp_path, plan_of(clusters)) as made:
        await made.share()
        await made.make_namespace(space)
        for host in clusters:
            for replica in REPLICAS:
                await made.start(host, replica)
        storm = Storm(made, space, random.Random(SEED))
        await storm.rage(SECONDS)
        right = wanted(storm.exports)
        took = {}
        for host in clusters:
            took[host] = await made.wait(lambda host=host: shown(made, host, space), right, SETTLE_SECONDS)  # type: ignore[misc]
        times = {host: round(seconds, 1) for host, seconds in took.items()}
        print(f"{storm.changes} changes, {len(storm.deaths)} deaths; agreed on {len(right)} services after {times} s")
        assert storm.changes > SECONDS
        assert storm.deaths
        for host, rows in storm.exports.items():
            for name in rows:
                await made.unexport(host, (space, name))
        for host in clusters:
            await made.wait(lambda host=host: shown(made, host, space), {}, SETTLE_SECONDS)  # type: ignore[misc]
