from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from ansible_collections.clusterset.fabric.plugins.module_utils.client.client import Client, open_client
from ansible_collections.clusterset.fabric.plugins.module_utils.client.types import ClusterRef
from tests.benchmark.stub.server import Cluster, Stub


@pytest_asyncio.fixture
async def stub(tmp_path: Path) -> AsyncIterator[Cluster]:
    async with Stub(tmp_path, ["east"]) as servers:
        servers["east"].kubeconfig = servers.kubeconfig
        yield servers["east"]


@pytest_asyncio.fixture
async def client(stub: Cluster) -> AsyncIterator[Client]:
    async with await open_client(ClusterRef("east", stub.kubeconfig, "east"), deadline=20) as opened:
        yield opened
