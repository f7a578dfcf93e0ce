# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Event loops that clean up when the play is interrupted."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import threading
from collections.abc import Coroutine, Iterator
from typing import Any, TypeVar

T = TypeVar("T")
SIGNALS = (signal.SIGTERM, signal.SIGINT)


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run `work` on a loop of its own. SIGTERM and SIGINT cancel it, so that its `finally` blocks still run.

    Ansible's worker would otherwise die at once. After the clean-up it does so by the same signal.
    """
    caught: list[int] = []

    async def watched() -> T:
        task = asyncio.ensure_future(work)

        def stop(number: int) -> None:
            caught.append(number)
            if len(caught) == 1:  # a second signal, which Ansible sends soon, must not cut the clean-up short
                task.cancel()

        loop = asyncio.get_running_loop()
        if threading.current_thread() is threading.main_thread():
            for number in SIGNALS:
                loop.add_signal_handler(number, stop, number)
        return await task

    try:
        with _handlers_kept():
            return asyncio.run(watched())
    finally:
        if caught:
            os.kill(os.getpid(), caught[0])


@contextlib.contextmanager
def _handlers_kept() -> Iterator[None]:
    """Give the signals' handlers back as they were: an event loop leaves the defaults behind."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
