# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many requests to one cluster: on one connection while that is fast, on more as the answers take longer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

from ..client.client import Client
from ..client.errors import ApiError
from ..errors import FabricError

T = TypeVar("T")
_SLOW_SECONDS = 0.005  # a handshake costs about a millisecond of CPU; worth it when answers take longer than this


async def in_lanes(client: Client, items: Iterable[T], work: Callable[[T], Awaitable[None]]) -> None:
    """Run ``work`` for each item, in order of start, at most ``client.lanes`` at once.

    Refused items do not stop the others; a cluster that answers no more does.
    :raises FabricError: the first refusal, with the number of further ones.
    """
    queue = list(reversed(list(items)))
    refusals: list[FabricError] = []

    async def lane(tasks: asyncio.TaskGroup) -> None:
        while queue:
            item = queue.pop()
            try:
                await work(item)
            except ApiError as refusal:
                refusals.append(refusal)
            if client.session.fastest > _SLOW_SECONDS and queue and lane_count() < client.lanes:
                running.append(tasks.create_task(lane(tasks)))

    def lane_count() -> int:
        return sum(not task.done() for task in running)

    running: list[asyncio.Task[None]] = []
    try:
        async with asyncio.TaskGroup() as tasks:
            running.append(tasks.create_task(lane(tasks)))
    except ExceptionGroup as group:  # pylint: disable=using-exception-groups-in-unsupported-version
        raise group.exceptions[0] from None
    if refusals:
        first, others = refusals[0], len(refusals) - 1
        if others:
            first.message += f" ({others} more were refused as well.)"
        raise first
