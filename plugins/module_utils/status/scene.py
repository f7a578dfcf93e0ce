# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One repetition while it runs: what is afflicted, the windows measured, and what speaks against them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from ..errors import FabricError
from ..model.types import ClusterModel
from .post import Post
from .rehearsal import Window
from .streams import Streams


class NotApplicableError(FabricError):
    """The scenario makes no sense in this cluster just now; the message says why."""


@dataclass
class Scene:
    """What a scenario gets. `node`: the gateway that is afflicted; `seconds`: how long a fault lasts; `models`: of all
    clusters.

    The scenario fills `during`, and `after` if it measures a healing. `doubts` are why that may mean nothing.
    """

    post: Post
    node: str
    streams: Streams
    number: int
    seconds: int
    where: str
    models: tuple[ClusterModel, ...] = ()
    during: Window = field(default_factory=Window)
    after: Window | None = None
    doubts: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    async def begin(self) -> None:
        """Start streams that do not end on the afflicted node, if there is another place."""
        await self.streams.start(cluster=self.post.name, avoid=self.node)

    @asynccontextmanager
    async def window(self) -> AsyncIterator[None]:
        """Streams from before the block until a moment after it are `during`."""
        await self.begin()
        yield
        await self.streams.lead()
        self.during = await self.streams.collect()
