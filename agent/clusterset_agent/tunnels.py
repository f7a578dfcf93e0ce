# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The keeper of ``wireguard-go``: one process for each file in the directory, and none besides.

It runs in a pod of its own, so that the agent may restart without interrupting a link.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
from pathlib import Path

log = logging.getLogger("clusterset.tunnels")

_LOOK = 0.25
_BACKOFF = (0.5, 1.0, 2.0, 5.0, 10.0)


class Tunnel:
    """One ``wireguard-go`` process that is started again when it ends."""

    def __init__(self, name: str, program: str) -> None:
        self.name = name
        self._program = program
        self._task = asyncio.create_task(self._serve())

    async def stop(self) -> None:
        """End the process; its interface goes with it."""
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task

    async def _serve(self) -> None:
        failures = 0
        while True:
            started = asyncio.get_running_loop().time()
            code = await self._once()
            lasted = asyncio.get_running_loop().time() - started
            failures = 0 if lasted > 60 else failures + 1
            log.warning("wireguard-go ended", extra={"interface": self.name, "code": code, "seconds": round(lasted, 1)})
            await asyncio.sleep(_BACKOFF[min(failures, len(_BACKOFF) - 1)])

    async def _once(self) -> int:
        environment = {**os.environ, "LOG_LEVEL": "error"}
        try:
            process = await asyncio.create_subprocess_exec(self._program, "-f", self.name, env=environment)
        except OSError as error:
            log.error("wireguard-go cannot be started", extra={"interface": self.name, "error": str(error)})
            return 127
        log.info("wireguard-go started", extra={"interface": self.name, "pid": process.pid})
        try:
            return await process.wait()
        finally:
            if process.returncode is None:
                process.terminate()
                await process.wait()


async def keep(directory: Path, program: str = "wireguard-go") -> None:
    """Follow the directory until SIGTERM; then end all processes.

    :param directory: each file in it is named like an interface; the content does not matter.
    """
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    running: dict[str, Tunnel] = {}
    while not stop.is_set():
        wanted = _ordered(directory)
        for name in wanted - running.keys():
            running[name] = Tunnel(name, program)
        for name in running.keys() - wanted:
            await running.pop(name).stop()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), _LOOK)
    await asyncio.gather(*(tunnel.stop() for tunnel in running.values()))


def _ordered(directory: Path) -> set[str]:
    directory.mkdir(parents=True, exist_ok=True)
    return {entry.name for entry in directory.iterdir() if not entry.name.startswith(".")}
