# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One coroutine for each cluster, all at once; what befalls one of them stays with it."""

from __future__ import annotations

import asyncio
import gc
import math
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from ..errors import FabricError
from .client import Client, open_client
from .types import ClusterRef, Outcome

T = TypeVar("T")
_LANES = 64  # connections of a whole process: beyond that the handshakes cost more than the waiting they save


async def fleet(
    refs: Sequence[ClusterRef],
    work: Callable[[Client], Awaitable[T]],
    *,
    deadline: float,
    limit: int = 100,
    progress: Callable[[str, str], None] | None = None,
) -> dict[str, Outcome[T]]:
    """Run ``work`` with a client of each cluster and return what became of each, by name, in the order given.

    :param deadline: seconds per cluster, from the moment its turn comes.
    :param limit: clusters at work at the same time.
    :param progress: called with (cluster, text) when a cluster fails.
    """
    turns = asyncio.Semaphore(limit)
    lanes = max(1, min(32, _LANES // max(1, min(len(refs), limit))))

    async def one(ref: ClusterRef) -> Outcome[T]:
        async with turns:
            outcome = await _one(ref, work, deadline, lanes)
        if outcome.error and progress:
            progress(ref.name, str(outcome.error))
        return outcome

    with _less_collecting():
        outcomes = await together(one(ref) for ref in refs)
    return {ref.name: outcome for ref, outcome in zip(refs, outcomes, strict=True)}


async def together(works: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """Run all at once and return their results in the order given.

    When it is cancelled it waits until each of them has cleaned up; ``asyncio.gather`` would wait for the first only.
    """
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(work) for work in works]
    return [task.result() for task in tasks]


@contextmanager
def _less_collecting() -> Iterator[None]:
    """Within this, garbage is collected rarely: most objects live as long as their request, and none in cycles.

    What was there before (in Ansible's worker: all of Ansible) is not looked through again and again.
    """
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(100_000, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


async def _one(ref: ClusterRef, work: Callable[[Client], Awaitable[T]], deadline: float, lanes: int) -> Outcome[T]:
    loop = asyncio.get_running_loop()
    started = loop.time()
    client: Client | None = None
    value: T | None = None
    error: FabricError | None = None
    try:
        client = await open_client(ref, deadline=deadline, lanes=lanes)
        # a little longer than the client's own deadline, whose message says more
        async with client, asyncio.timeout(None if math.isinf(deadline) else deadline + 0.25):
            value = await work(client)
    except FabricError as fault:
        fault.cluster = fault.cluster or ref.name
        error = fault
    except TimeoutError as fault:
        error = FabricError(
            f"the work was not done within its {deadline:.0f} s.",
            cluster=ref.name,
            fix="look at the cluster's API server, or raise fabric_deadline.",
        )
        error.__cause__ = fault
    except Exception as fault:  # a fault of ours for one cluster must not stop the others; it is reported as such
        error = FabricError(f"an unexpected fault: {type(fault).__name__}: {fault}", cluster=ref.name)
        error.__cause__ = fault
    return Outcome(value, error, loop.time() - started, client.requests if client else 0)
