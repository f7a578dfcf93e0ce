# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A cluster whose pods stand, as a rehearsal works with it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeVar

from ..client.client import Client
from ..errors import FabricError
from .evidence import Evidence, read
from .stage import Stage
from .standing import CONTACT_SECONDS
from .types import Place

T = TypeVar("T")
_LOOK_SECONDS = 0.3


@dataclass
class Post:
    """`places` are those with an address; `evidence` is read anew before each repetition."""

    client: Client
    stage: Stage
    image: str
    evidence: Evidence
    places: list[Place]
    notes: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        """Inventory host name of the cluster."""
        return self.client.ref.name

    async def refresh(self) -> None:
        """Read the evidence anew. FabricError if the cluster does not answer in time."""
        try:
            async with asyncio.timeout(CONTACT_SECONDS):
                self.evidence = await read(self.client)
        except TimeoutError:
            text = f"its API server did not answer within {CONTACT_SECONDS:.0f} s."
            raise FabricError(text, cluster=self.name) from None

    async def until(self, look: Callable[[], Awaitable[T | None]], what: str, *, seconds: float) -> T:
        """Look again and again until there is an answer. FabricError: `what` did not come true in time."""
        try:
            async with asyncio.timeout(seconds):
                while True:
                    found = await look()
                    if found is not None:
                        return found
                    await asyncio.sleep(_LOOK_SECONDS)
        except TimeoutError:
            raise FabricError(f"{what}: not within {seconds:.0f} s.", cluster=self.name) from None
