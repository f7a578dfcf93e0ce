# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Services that need a look, each at most once in the queue and never in two hands at once."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable

from ..cluster_api import FabricError
from .names import Key

log = logging.getLogger("clusterset.sync")

_WORKERS = 8
_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 30.0


class WorkQueue:
    """Calls ``work`` for each marked service, again later if that fails."""

    def __init__(self, work: Callable[[Key], Awaitable[None]]) -> None:
        self.done = 0
        self.failed: dict[Key, str] = {}
        self._work = work
        self._queue: asyncio.Queue[Key] = asyncio.Queue()
        self._waiting: set[Key] = set()
        self._busy: set[Key] = set()
        self._again: set[Key] = set()
        self._pauses: dict[Key, float] = {}

    @property
    def idle(self) -> bool:
        """Whether nothing waits and nothing is being worked at."""
        return not self._waiting and not self._busy

    def mark(self, keys: Iterable[Key]) -> None:
        """Have these looked at."""
        for key in keys:
            if key in self._busy:
                self._again.add(key)
            elif key not in self._waiting:
                self._waiting.add(key)
                self._queue.put_nowait(key)

    async def run(self) -> None:
        """Work until cancelled."""
        await asyncio.gather(*(self._one_hand() for _number in range(_WORKERS)))

    async def _one_hand(self) -> None:
        while True:
            key = await self._queue.get()
            self._waiting.discard(key)
            self._busy.add(key)
            try:
                await self._work(key)
                self._pauses.pop(key, None)
                self.failed.pop(key, None)
            except FabricError as error:
                self._later(key, str(error))
            except Exception as error:  # one service that we stumble over must not stop the others
                log.exception("cannot be worked at", extra={"service": "/".join(key)})
                self._later(key, repr(error))
            finally:
                self.done += 1
                self._busy.discard(key)
                if key in self._again:
                    self._again.discard(key)
                    self.mark((key,))

    def _later(self, key: Key, error: str) -> None:
        self.failed[key] = error
        pause = self._pauses.get(key, _FIRST_PAUSE)
        self._pauses[key] = min(2 * pause, _LONGEST_PAUSE)
        log.warning("not done", extra={"service": "/".join(key), "error": error, "again_in": pause})
        asyncio.get_running_loop().call_later(pause, self.mark, (key,))
