# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clean-up that has its own time and its own connection, since those of the work may be over."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from ..client.client import Client, open_client
from ..client.types import ClusterRef
from ..errors import FabricError

CLEANUP_SECONDS = 20.0


async def afterwards(ref: ClusterRef, work: Callable[[Client], Awaitable[object]], complaint: str) -> str:
    """Do `work` with a fresh client of the cluster; returns "", or the complaint with the reason why it failed."""
    try:
        async with asyncio.timeout(CLEANUP_SECONDS):
            async with await open_client(ref, deadline=CLEANUP_SECONDS) as client:
                await work(client)
    except (FabricError, TimeoutError) as error:
        return f"{complaint} ({error})"
    return ""
