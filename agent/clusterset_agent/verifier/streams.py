# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Steady streams to other verifier pods, for as long as something is done to the way between."""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
import socket
from dataclasses import dataclass
from typing import Any

from . import wire
from .checks import Target
from .tally import Tally, summary
from .transfer import Pace, transfer

EVERY = 0.01  # seconds between two datagrams of a flow
STRAGGLER_SECONDS = 1.0  # how long an answer may be under way
LONGEST = 600.0  # seconds after which streams end that nobody collects
FLOWS_LIMIT, TARGETS_LIMIT = 8, 64
_PREFIX_BYTES = 8


@dataclass(frozen=True)
class Settings:
    """`seconds`: when the streams end by themselves. `flows`: UDP flows a target, each from a port of its own."""

    seconds: float = 60.0
    flows: int = 2
    chunk_bytes: int = 8192
    chunk_seconds: float = 0.02


class Flow(asyncio.DatagramProtocol):
    """One UDP flow: numbered datagrams, and the answers of the pod that is expected there."""

    def __init__(self, target: Target, began: float) -> None:
        self.tally = Tally(began)
        self._target = target
        self._prefix = secrets.token_hex(_PREFIX_BYTES // 2)
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def send(self, due: float) -> None:
        """The next datagram; an error of the kernel leaves it without an answer, which is what counts."""
        number = self.tally.ask(asyncio.get_running_loop().time(), due)
        self._transport.sendto(token(self._prefix, number))

    def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:
        found = answer_of(data, self._prefix, self._target.expect)
        if found:
            self.tally.answer(found[0], asyncio.get_running_loop().time(), found[1])

    def close(self) -> None:
        """End the flow."""
        self.tally.close()
        self._transport.close()

    @property
    def own(self) -> str:
        """The address that this pod sends from."""
        return wire.plain_address(self._transport.get_extra_info("sockname")[0])


def token(prefix: str, number: int) -> bytes:
    """The datagram of that number, as long as what comes back in the answer."""
    return f"{prefix}{number:08x}".encode()


def answer_of(data: bytes, prefix: str, expect: str) -> tuple[int, str] | None:
    """Number and seen address of an answer to one of our datagrams; None for anything else."""
    with contextlib.suppress(ValueError, TypeError, AttributeError):
        message = json.loads(data)
        text = str(message.get("token"))
        if text.startswith(prefix) and (not expect or message.get("from") == expect):
            return int(text[_PREFIX_BYTES:], 16), str(message.get("source") or "")
    return None


class Streams:
    """All streams of this pod at one time: to each target some UDP flows and one transfer."""

    def __init__(self, targets: list[Target], settings: Settings) -> None:
        self._targets, self._settings = targets, settings
        self._stop = asyncio.Event()
        self._task = asyncio.ensure_future(self._run())

    async def collect(self) -> list[dict[str, Any]]:
        """End the streams and say what became of them, one entry for each target."""
        self._stop.set()
        return await asyncio.shield(self._task)

    async def drop(self) -> None:
        """End the streams; nobody asks for what became of them."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> list[dict[str, Any]]:
        settings = self._settings
        pace = Pace(settings.chunk_bytes, settings.chunk_seconds)
        transfers = [asyncio.ensure_future(transfer(target, pace, self._stop)) for target in self._targets]
        flows: list[list[Flow]] = []
        unread = wire.unread()
        try:
            for target in self._targets:
                flows.append(await _open(target, settings.flows))
            own = [several[0].own if several else "" for several in flows]
            await self._tick([flow for several in flows for flow in several])
            await asyncio.sleep(STRAGGLER_SECONDS)
            moved = await asyncio.gather(*transfers)
        finally:
            for each in transfers:
                each.cancel()
            for several in flows:
                for flow in several:
                    flow.close()
        unread = wire.unread() - unread
        return [
            {"name": target.name, "own": source, "unread": unread, **summary(flow.tally for flow in several), **result}
            for target, source, several, result in zip(self._targets, own, flows, moved, strict=True)
        ]

    async def _tick(self, flows: list[Flow]) -> None:
        """One datagram of each flow at each tick; one clock for all, since a wake-up costs more than a datagram.

        A pod that was held up does not make up for it in a burst: that would test buffers, not the way.
        """
        loop = asyncio.get_running_loop()
        due = loop.time()
        end = due + self._settings.seconds
        while not self._stop.is_set() and due < end:
            for flow in flows:
                flow.send(due)
            due = max(due + EVERY, loop.time() - EVERY)
            await asyncio.sleep(max(0.0, due - loop.time()))
        self._stop.set()


async def _open(target: Target, count: int) -> list[Flow]:
    """The flows to a target; none if there is no route, which the transfer reports."""
    loop = asyncio.get_running_loop()
    flows: list[Flow] = []
    with contextlib.suppress(OSError):
        for _number in range(count):
            transport, flow = await loop.create_datagram_endpoint(
                lambda: Flow(target, loop.time()), remote_addr=(target.address, target.port)
            )
            transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, wire.BUFFER_BYTES)
            flows.append(flow)
    return flows
