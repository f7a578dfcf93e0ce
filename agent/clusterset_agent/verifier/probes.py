# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Single conversations with a verifier pod: a stream, a datagram, a bulk transfer, a burst of short connections."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import json
import os
import secrets
import socket
import time
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Protocol

from . import echo, wire


class Address(Protocol):
    """Where a verifier pod listens."""

    @property
    def address(self) -> str: ...
    @property
    def port(self) -> int: ...


@dataclass(frozen=True)
class Sighting:
    """Our own address of one conversation, the address the other side saw, and the name it gave."""

    own: str
    seen: str
    answered_by: str


def explain(error: BaseException) -> str:
    """An error of the network in a few words, the same on every machine."""
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, asyncio.IncompleteReadError):
        return "closed before its end"
    if isinstance(error, PermissionError):
        return "the pod's kernel does not allow it"
    if isinstance(error, OSError) and error.errno:
        return os.strerror(error.errno).lower()
    return str(error) or type(error).__name__


def _message(raw: bytes) -> dict[str, Any]:
    if not raw:
        raise OSError(errno.ECONNRESET, "closed")
    message = json.loads(raw)
    if not isinstance(message, dict):
        raise ValueError("not a verifier pod: its answer is no object")
    return message


def _sighting(message: dict[str, Any], own: str) -> Sighting:
    seen = wire.plain_address(str(message.get("source", "")))
    return Sighting(wire.plain_address(own), seen, str(message.get("from", "")))


@contextlib.asynccontextmanager
async def _stream(target: Address) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter, Sighting]]:
    reader, writer = await asyncio.open_connection(target.address, target.port, limit=wire.CHUNK)
    try:
        greeting = _message(await reader.readline())
        yield reader, writer, _sighting(greeting, writer.get_extra_info("sockname")[0])
    finally:
        writer.close()


async def converse(target: Address, pings: int, seconds: float) -> tuple[Sighting, list[float]]:
    """One connection, within `seconds`; then `pings` round trips inside it (milliseconds each)."""
    trips = []
    async with contextlib.AsyncExitStack() as stack:
        async with asyncio.timeout(seconds):
            reader, writer, sighting = await stack.enter_async_context(_stream(target))
        for _number in range(pings):
            start = time.monotonic()
            async with asyncio.timeout(seconds):
                writer.write(b"ping\n")
                _message(await reader.readline())
            trips.append((time.monotonic() - start) * 1000)
    return sighting, trips


async def bulk(target: Address, command: str, size: int, seconds: float) -> float:
    """Move `size` bytes in one connection, `command` being `take` (we send) or `give` (we receive); Mbit/s."""
    async with asyncio.timeout(seconds), _stream(target) as (reader, writer, _sighting_unused):
        start = time.monotonic()
        writer.write(f"{command} {size}\n".encode())
        if command == "take":
            await echo.give(writer, size)
            _message(await reader.readline())
        else:
            await echo.take(reader, size)
        return size * 8 / 1e6 / max(time.monotonic() - start, 1e-6)


async def burst(target: Address, count: int, at_once: int, seconds: float) -> tuple[list[Sighting], Counter[str]]:
    """`count` connections of one greeting each, `at_once` at a time, each within `seconds`: sightings, and reasons."""
    slots = asyncio.Semaphore(at_once)
    errors: Counter[str] = Counter()

    async def short() -> Sighting | None:
        async with slots:
            try:
                async with asyncio.timeout(seconds), _stream(target) as (_reader, _writer, sighting):
                    return sighting
            except (OSError, ValueError, TimeoutError, asyncio.IncompleteReadError) as error:
                errors[explain(error)] += 1
                return None

    found = await asyncio.gather(*(short() for _number in range(count)))
    return [sighting for sighting in found if sighting is not None], errors


async def datagram(target: Address, size: int, tries: int, seconds: float) -> tuple[Sighting, int, float]:
    """Send `size` bytes until an answer at least as long comes: sighting, tries lost before it, round trip in ms."""
    family = wire.family_of(target.address)
    loop = asyncio.get_running_loop()
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        sock.setblocking(False)
        sock.connect((target.address, target.port))
        own = sock.getsockname()[0]
        for lost in range(tries):
            token = secrets.token_hex(wire.TOKEN_BYTES // 2).encode()
            start = time.monotonic()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await loop.sock_sendall(sock, token.ljust(size, b"."))
                    message = await _answer(sock, token, size)
                    return _sighting(message, own), lost, (time.monotonic() - start) * 1000
    raise TimeoutError


async def _answer(sock: socket.socket, token: bytes, size: int) -> dict[str, Any]:
    """The first datagram that carries `token`; ValueError if the question or the answer was cut short."""
    loop = asyncio.get_running_loop()
    while True:
        raw = await loop.sock_recv(sock, 65535)
        message = _message(raw)
        if message.get("token") == token.decode():
            if len(raw) < size or message.get("length") != size:
                raise ValueError(f"sent {size} bytes, {message.get('length')} arrived, {len(raw)} came back")
            return message
