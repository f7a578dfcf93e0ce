"""What every cluster of a clusterset holds, and its sync part."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from .clusterset import Clusterset, plan_of
from .servers import Server


@pytest.fixture
async def clusterset(clusters: dict[str, Server], tmp_path: Path) -> AsyncIterator[Clusterset]:
    """The clusters, joined, with a sync part running in each."""
    async with Clusterset(clusters, tmp_path, plan_of(clusters)) as made:
        await made.share()
        for name in clusters:
            await made.start(name)
        yield made
