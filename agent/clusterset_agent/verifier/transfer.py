# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One long TCP connection at a low steady rate: chunks are taken by the other side, which answers each with a line."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from . import probes
from .tally import Tally, milliseconds

CONNECT_SECONDS = 5.0
DRAIN_SECONDS = 10.0  # for what was sent and not yet answered when the stream ends
BACKLOG = 512 * 1024  # bytes that may wait in this process while nothing passes


@dataclass(frozen=True)
class Pace:
    """A chunk of so many bytes, each so many seconds."""

    chunk_bytes: int = 8192
    every: float = 0.02


async def transfer(target: probes.Address, pace: Pace, stop: asyncio.Event) -> dict[str, Any]:
    """Send until `stop`: {"stall": ms between two answers at most, "survived", "reason"}. Never raises."""
    loop = asyncio.get_running_loop()
    tally = Tally(loop.time())
    reason = ""
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            reader, writer = await asyncio.open_connection(target.address, target.port)
            await reader.readline()  # the greeting
        tally.began = loop.time()
        reason = await _converse(reader, writer, pace, stop, tally)
    except (OSError, ValueError, TimeoutError) as error:
        reason = probes.explain(error)
    tally.close()
    return {"stall": milliseconds(tally.longest), "survived": not reason, "reason": reason}


async def _converse(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, pace: Pace, stop: asyncio.Event, tally: Tally
) -> str:
    """Send and count; returns why not all was taken, "" if it was. OSError if the connection breaks."""
    answers = asyncio.ensure_future(_count(reader, stop, tally))
    try:
        await _send(writer, pace, stop, tally, answers)
        if tally.lost or answers.done():
            async with asyncio.timeout(DRAIN_SECONDS):
                await answers
        writer.close()
        return ""
    except TimeoutError:
        return f"{tally.lost} chunks not taken in time"
    finally:
        answers.cancel()
        await asyncio.gather(answers, return_exceptions=True)
        writer.transport.abort()  # what still waits would be sent for minutes to an end that may be gone


async def _send(
    writer: asyncio.StreamWriter, pace: Pace, stop: asyncio.Event, tally: Tally, answers: asyncio.Future[None]
) -> None:
    loop = asyncio.get_running_loop()
    chunk = f"take {pace.chunk_bytes}\n".encode() + bytes(pace.chunk_bytes)
    due = loop.time()
    while not stop.is_set() and not answers.done():
        if writer.transport.get_write_buffer_size() < BACKLOG:
            tally.ask(loop.time(), due)
            writer.write(chunk)
        due = max(due + pace.every, loop.time())
        await asyncio.sleep(due - loop.time())


async def _count(reader: asyncio.StreamReader, stop: asyncio.Event, tally: Tally) -> None:
    """Note the answers until the last one; OSError if the other side ends the connection before."""
    loop = asyncio.get_running_loop()
    number = 0
    while await reader.readline():
        tally.answer(number, loop.time())
        number += 1
        if stop.is_set() and not tally.lost:
            return
    raise ConnectionResetError("closed before its end")
