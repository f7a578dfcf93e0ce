# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m clusterset_agent.verifier`: serve until told to stop.

Environment: VERIFIER_NAME (cluster/node, said to every peer), VERIFIER_TOKEN (the run's token).
"""

from __future__ import annotations

import asyncio
import os
import signal

from . import wire
from .control import Control
from .echo import DatagramEcho, StreamEcho


async def serve(name: str, token: str) -> None:
    """Run the three servers until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    streams = await StreamEcho(name).serve(wire.ECHO_PORT)
    datagrams = await DatagramEcho(name).serve(wire.ECHO_PORT)
    control = await Control(name, token).serve(wire.CONTROL_PORT)  # last: ready means that the echoes listen
    await stop.wait()
    control.close()
    streams.close()
    datagrams.close()


if __name__ == "__main__":
    asyncio.run(serve(os.environ.get("VERIFIER_NAME", ""), os.environ.get("VERIFIER_TOKEN", "")))
