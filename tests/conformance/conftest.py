"""One clusterset of API servers for all behaviours of a module, and a service of its own for each."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio

from tests.integration.apiservers.clusterset import EPS, Clusterset, Object, plan_of
from tests.integration.apiservers.servers import Server

PORTS = ({"name": "tcp", "port": 42, "protocol": "TCP"}, {"name": "udp", "port": 42, "protocol": "UDP"})
AFFINITY = {"clientIP": {"timeoutSeconds": 10}}
NOTES = {"of-the-service": "yes"}
LIMIT = 40.0
"""Seconds until something must be so; on a machine with nothing else to do it takes a tenth of one."""
OLDER = 1.1
"""Seconds between two exports of which one is to be the older: creation times have whole seconds."""


@dataclass
class Hello:
    """The service `hello` in a namespace that all clusters have."""

    clusterset: Clusterset
    key: tuple[str, str]

    async def export(self, host: str, addresses: Sequence[str] = (), wishes: Object | None = None, **spec: Any) -> None:
        """Deploy it with endpoints at `addresses`, listening at the ports of the service, and export it."""
        await self.deploy(host, addresses, **spec)
        await self.clusterset.wish(host, self.key, **(wishes or {}))

    async def deploy(self, host: str, addresses: Sequence[str] = (), *, named: bool = True, **spec: Any) -> None:
        """The Service and its endpoints, without an export."""
        rows = spec.get("ports", PORTS)
        values = {
            "selector": {"app": "hello"},
            "ports": list(rows),
            "sessionAffinity": "ClientIP",
            "sessionAffinityConfig": AFFINITY,
            "ipFamilyPolicy": "PreferDualStack",
            **spec,
        }
        await self.clusterset.service(host, self.key, {k: v for k, v in values.items() if v is not None}, NOTES)
        ports = [(row["name"], row["protocol"], row["port"]) for row in rows]
        await self.clusterset.endpoints(host, self.key, list(addresses), ports, named=named)

    async def unexport(self, host: str) -> None:
        await self.clusterset.unexport(host, self.key)

    async def imported(self, host: str) -> Object:
        """The import, once there is one that tells its addresses or that it has none."""

        async def there() -> bool:
            found = await self.clusterset.imported(host, self.key)
            return found is not None and bool(found["spec"].get("ipFamilies"))

        await self.clusterset.wait(there, True, LIMIT)
        found = await self.clusterset.imported(host, self.key)
        assert found
        return found

    async def sources(self, host: str) -> list[str]:
        """The clusters that an import says it comes from; it says so once all else of it is made."""
        found = await self.clusterset.imported(host, self.key)
        return [row["cluster"] for row in ((found or {}).get("status") or {}).get("clusters") or ()]

    async def gone(self, host: str) -> None:
        await self.clusterset.wait(lambda: self.clusterset.imported(host, self.key), None, LIMIT)

    async def status(self, host: str, condition: str) -> str:
        """True, False, or "" where the export is not told yet."""
        told = await self.clusterset.conditions(host, "serviceexports", self.key)
        return str(told.get(condition, {}).get("status", ""))

    async def in_conflict(self, *hosts: str) -> None:
        """Every one of these exporters is told of a conflict."""
        for host in hosts:
            await self.clusterset.wait(lambda host=host: self.status(host, "Conflict"), "True", LIMIT)  # type: ignore[misc]

    async def slices(self, host: str) -> list[Object]:
        """The imported slices that have endpoints."""
        label = "multicluster.kubernetes.io/source-cluster"
        found = await self.clusterset.client[host].list(f"{EPS}/namespaces/{self.key[0]}/endpointslices")
        return [item for item in found if label in item["metadata"]["labels"] and item["endpoints"]]

    async def holds(self, what: Callable[[], Awaitable[Any]], wanted: Any, seconds: float = 2.0) -> None:
        """It is so, and stays so."""
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            assert await what() == wanted, self.clusterset.logs()
            await asyncio.sleep(0.05)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def clusterset(
    clusters: dict[str, Server], tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Clusterset]:
    """The clusters, joined, with a sync part running in each."""
    async with Clusterset(clusters, tmp_path_factory.mktemp("conformance"), plan_of(clusters)) as made:
        await made.share()
        # nothing here is about silent clusters, and a busy machine must not make one
        await asyncio.gather(*(made.start(name, PEER_TIMEOUT="60") for name in clusters))
        yield made


@pytest_asyncio.fixture(loop_scope="module")
async def hello(clusterset: Clusterset) -> Hello:
    """A service that was never there before."""
    name = f"t{uuid.uuid4().hex[:8]}"
    await clusterset.make_namespace(name)
    return Hello(clusterset, (name, "hello"))
