"""Work for several clusters at once ends together, also when the run is interrupted."""

from __future__ import annotations

import asyncio

import pytest

from ansible_collections.clusterset.fabric.plugins.module_utils.client.fleet import together


async def test_results_come_in_the_order_given() -> None:
    async def after(seconds: float) -> float:
        await asyncio.sleep(seconds)
        return seconds

    assert await together(after(seconds) for seconds in (0.02, 0.0, 0.01)) == [0.02, 0.0, 0.01]


async def test_a_cancelled_run_waits_for_the_clean_up_of_each() -> None:
    cleaned: list[float] = []

    async def work(seconds: float) -> None:
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(seconds)
            cleaned.append(seconds)

    task = asyncio.ensure_future(together(work(seconds) for seconds in (0.0, 0.05, 0.1)))
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert cleaned == [0.0, 0.05, 0.1]
