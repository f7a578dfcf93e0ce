# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The passive half: servers that tell each peer the address they saw."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import Any, cast

from . import wire

IDLE_SECONDS = 30.0
MAX_STREAMS = 1024


class StreamEcho:
    """Greets every connection with the peer's address, then takes or gives bytes on request (protocol: `wire`)."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._open = 0

    async def serve(self, port: int) -> asyncio.Server:
        """Listen on TCP `port`; the caller closes the server."""
        listener = wire.listening(socket.SOCK_STREAM, port)
        return await asyncio.start_server(self._session, sock=listener, limit=wire.CHUNK, backlog=512)

    async def _session(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open += 1
        try:
            if self._open <= MAX_STREAMS:
                await self._talk(reader, writer)
        except (OSError, ValueError, asyncio.IncompleteReadError, TimeoutError):
            pass  # a peer that goes away or speaks nonsense ends its own session only
        finally:
            self._open -= 1
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        source = wire.plain_address(writer.get_extra_info("peername")[0])
        writer.write(wire.line({"from": self.name, "source": source}))
        while True:
            async with asyncio.timeout(IDLE_SECONDS):
                await writer.drain()
                command = (await reader.readline()).split()
                if not command:
                    return
                await self._obey(command, reader, writer)

    async def _obey(self, command: list[bytes], reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if command[0] == b"ping":
            writer.write(wire.line({"pong": True}))
            return
        size = int(command[1]) if len(command) == 2 else -1
        if command[0] not in (b"take", b"give") or not 0 <= size <= wire.BULK_LIMIT:
            raise ValueError(f"unknown command {command!r}")
        if command[0] == b"take":
            await take(reader, size)
            writer.write(wire.line({"taken": size}))
        else:
            await give(writer, size)


class DatagramEcho(asyncio.DatagramProtocol):
    """Answers each datagram with the address it came from and its length."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._transport: asyncio.DatagramTransport | None = None

    async def serve(self, port: int) -> asyncio.DatagramTransport:
        """Listen on UDP `port`; the caller closes the transport."""
        listener = wire.listening(socket.SOCK_DGRAM, port)
        loop = asyncio.get_running_loop()
        transport, _protocol = await loop.create_datagram_endpoint(lambda: self, sock=listener)
        return transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # asyncio's own datagram transport is no subclass of its interface before Python 3.12, so no isinstance here
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:
        if self._transport is not None and len(data) >= wire.TOKEN_BYTES:
            self._transport.sendto(wire.answer_to(data, self.name, addr[0]), addr)


async def take(reader: asyncio.StreamReader, size: int) -> None:
    """Read and drop `size` bytes. asyncio.IncompleteReadError if the stream ends before."""
    left = size
    while left:
        data = await reader.read(min(left, wire.CHUNK))
        if not data:
            raise asyncio.IncompleteReadError(b"", left)
        left -= len(data)


async def give(writer: asyncio.StreamWriter, size: int) -> None:
    """Send `size` bytes, no faster than the peer takes them."""
    block = bytes(wire.CHUNK)
    for start in range(0, size, wire.CHUNK):
        writer.write(block[: min(wire.CHUNK, size - start)])
        await writer.drain()
