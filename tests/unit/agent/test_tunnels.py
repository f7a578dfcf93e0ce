# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The keeper runs one process for each ordered interface, and ending one leaves the others alone."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from clusterset_agent.tunnels import keep


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """Writes its process id into a file named like the interface, then waits for its end."""
    path = tmp_path / "program"
    path.write_text(f'#!/bin/sh\necho $$ > "{tmp_path}/pid.$2"\nexec sleep 60\n')
    path.chmod(0o755)
    return path


@asynccontextmanager
async def keeper(directory: Path, program: Path) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(keep(directory, str(program)))
    try:
        yield task
    finally:
        if not task.done():
            os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.wait_for(task, 5)


async def pid_of(folder: Path, name: str) -> int:
    path = folder / f"pid.{name}"
    for _attempt in range(100):
        if path.exists() and path.read_text().strip():
            return int(path.read_text())
        await asyncio.sleep(0.05)
    raise AssertionError(f"{name} was not started")


def runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def test_ending_one_leaves_the_others(tmp_path: Path, program: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    orders = tmp_path / "orders"
    orders.mkdir()
    for name in ("wgf-a", "wgf-b"):
        (orders / name).touch()
    async with keeper(orders, program) as task:
        first, second = await pid_of(tmp_path, "wgf-a"), await pid_of(tmp_path, "wgf-b")
        (orders / "wgf-a").unlink()
        await asyncio.sleep(0.8)
        assert not runs(first)
        assert runs(second)
        assert not task.done()
    assert not runs(second)


async def test_a_process_that_dies_is_started_again(tmp_path: Path, program: Path) -> None:
    orders = tmp_path / "orders"
    orders.mkdir()
    (orders / "wgf-a").touch()
    async with keeper(orders, program):
        first = await pid_of(tmp_path, "wgf-a")
        (tmp_path / "pid.wgf-a").unlink()
        os.kill(first, signal.SIGKILL)
        assert await pid_of(tmp_path, "wgf-a") != first
