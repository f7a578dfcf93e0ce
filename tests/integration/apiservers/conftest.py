"""Three API servers for all tests of this folder, and what every cluster of a clusterset holds."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from .clusterset import Clusterset, plan_of
from .servers import Server, program, servers


@pytest.fixture(scope="session")
def clusters(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Server]]:
    """East, north and west: real API servers, empty."""
    try:
        program("kubernetes")
        program("etcd")
    except OSError as error:
        pytest.skip(str(error))
    folder: Path = tmp_path_factory.mktemp("apiservers")
    with servers(folder, ("east", "north", "west")) as made:
        yield made


@pytest.fixture
async def clusterset(clusters: dict[str, Server], tmp_path: Path) -> AsyncIterator[Clusterset]:
    """The clusters, joined, with a sync part running in each."""
    async with Clusterset(clusters, tmp_path, plan_of(clusters)) as made:
        await made.share()
        for name in clusters:
            await made.start(name)
        yield made
