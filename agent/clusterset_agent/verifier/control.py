# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The control port: a few lines of HTTP/1.1, reached through the API server's pod proxy.

GET /ready -> {"name": ...}.
POST /check {"token", "targets": [{"name", "address", "expect", "port"}], "names": [...],
"targets_at_once": 4, "options": {...}}
-> {"targets": [{"name", "seconds", "checks": [...]}], "names": [...]}.
POST /stream/start {"token", "id", "targets", "settings": {...}} -> {"id"}: it ends streams of another id.
POST /stream/collect {"token", "id"} -> {"streams": [{"name", "sent", "lost", "gap", ...}]}: it ends them, too.
Without the run's token nothing is checked, so that nobody else can make the pod open connections.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import hmac
import json
import socket
import time
from typing import Any

from . import checks, names, streams, wire

BODY_LIMIT = 1024 * 1024
READ_SECONDS = 15.0
TARGETS_AT_ONCE = 4


class RefusedError(Exception):
    """A request that is answered with an HTTP status and a sentence."""

    def __init__(self, status: str, message: str) -> None:
        super().__init__(message)
        self.status = status


class Control:
    """The pod's control server. `token`: the run's; an empty one refuses every check."""

    def __init__(self, name: str, token: str) -> None:
        self.name, self._token = name, token
        self._streams: dict[str, streams.Streams] = {}

    async def serve(self, port: int) -> asyncio.Server:
        """Listen on TCP `port`; the caller closes the server."""
        listener = wire.listening(socket.SOCK_STREAM, port)
        return await asyncio.start_server(self._session, sock=listener, limit=wire.CHUNK)

    async def _session(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            status, answer = "200 OK", await self._answer(reader)
        except RefusedError as refusal:
            status, answer = refusal.status, {"message": str(refusal)}
        except (TimeoutError, ValueError, OSError, asyncio.IncompleteReadError):
            status, answer = "400 Bad Request", {"message": "not a request this server understands"}
        body = wire.line(answer)
        head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        with contextlib.suppress(OSError):
            writer.write(head.encode() + b"Connection: close\r\n\r\n" + body)
            await writer.drain()
            writer.close()
            await writer.wait_closed()

    async def _answer(self, reader: asyncio.StreamReader) -> dict[str, Any]:
        async with asyncio.timeout(READ_SECONDS):
            method, path, body = await read_request(reader)
        if (method, path) == ("GET", "/ready"):
            return {"name": self.name}
        work = {"/check": self._check, "/stream/start": self._start, "/stream/collect": self._collect}.get(path)
        if method != "POST" or work is None:
            raise RefusedError("404 Not Found", f"no {method} {path} here")
        wanted = json.loads(body)
        if not isinstance(wanted, dict):
            raise ValueError("not an object")
        given = str(wanted.get("token", ""))
        if not self._token or not hmac.compare_digest(given.encode(), self._token.encode()):
            raise RefusedError("403 Forbidden", "not the token of this run")
        return await work(wanted)

    async def _check(self, wanted: dict[str, Any]) -> dict[str, Any]:
        options = options_of(wanted.get("options", {}))
        targets = [target_of(entry) for entry in wanted.get("targets", [])]
        slots = asyncio.Semaphore(min(max(int(wanted.get("targets_at_once", TARGETS_AT_ONCE)), 1), TARGETS_AT_ONCE))
        answers = await asyncio.gather(*(_one(target, options, slots) for target in targets))
        resolved = await asyncio.gather(*(names.resolve(str(name)) for name in wanted.get("names", [])))
        return {"targets": answers, "names": resolved}

    async def _start(self, wanted: dict[str, Any]) -> dict[str, Any]:
        """Begin the streams, unless an earlier try of the same request has."""
        name = str(wanted.get("id", ""))
        targets = [target_of(entry) for entry in wanted.get("targets", [])]
        settings = settings_of(wanted.get("settings", {}))
        if len(targets) > streams.TARGETS_LIMIT:
            raise RefusedError("422 Unprocessable Content", f"more than {streams.TARGETS_LIMIT} targets")
        if name not in self._streams:
            earlier, self._streams = self._streams, {name: streams.Streams(targets, settings)}
            await asyncio.gather(*(each.drop() for each in earlier.values()))
        return {"id": name}

    async def _collect(self, wanted: dict[str, Any]) -> dict[str, Any]:
        name = str(wanted.get("id", ""))
        if name not in self._streams:
            raise RefusedError("404 Not Found", "no streams of this id")
        return {"streams": await self._streams[name].collect()}


async def _one(target: checks.Target, options: checks.Options, slots: asyncio.Semaphore) -> dict[str, Any]:
    async with slots:
        start = time.monotonic()
        findings = await checks.check(target, options)
    seconds = round(time.monotonic() - start, 3)
    return {"name": target.name, "seconds": seconds, "checks": [dataclasses.asdict(found) for found in findings]}


def target_of(entry: Any) -> checks.Target:
    """A target of a request; RefusedError if it lacks a name or an address, or says more than a target has."""
    try:
        target = checks.Target(**entry)
        wire.plain_address(target.address)
    except (TypeError, ValueError) as error:
        raise RefusedError("422 Unprocessable Content", f"bad target: {error}") from error
    return target


def options_of(entry: Any) -> checks.Options:
    """The options of a request; RefusedError if one is unknown or too large."""
    try:
        options = checks.Options(**{**entry, "checks": tuple(entry.get("checks", checks.ALL))})
    except (TypeError, AttributeError) as error:
        raise RefusedError("422 Unprocessable Content", f"bad options: {error}") from error
    if set(options.checks) - set(checks.ALL):
        raise RefusedError("422 Unprocessable Content", f"unknown checks; known are {', '.join(checks.ALL)}")
    sizes_fit = options.small_bytes >= wire.TOKEN_BYTES and options.large_bytes <= 65000
    if not sizes_fit or options.bulk_bytes > wire.BULK_LIMIT or options.connections > 10_000 or options.at_once < 1:
        raise RefusedError("422 Unprocessable Content", "a size in the options is out of bounds")
    return options


def settings_of(entry: Any) -> streams.Settings:
    """The settings of streams; RefusedError if one is unknown or out of bounds."""
    try:
        settings = streams.Settings(**entry)
        fit = 0 < settings.seconds <= streams.LONGEST and 1 <= settings.flows <= streams.FLOWS_LIMIT
        fit = fit and 1 <= settings.chunk_bytes <= wire.CHUNK and settings.chunk_seconds >= streams.EVERY
    except TypeError as error:
        raise RefusedError("422 Unprocessable Content", f"bad settings: {error}") from error
    if not fit:
        raise RefusedError("422 Unprocessable Content", "a number in the settings is out of bounds")
    return settings


async def read_request(reader: asyncio.StreamReader) -> tuple[str, str, bytes]:
    """Method, path without query, body. RefusedError for what a tiny server need not understand."""
    request = (await reader.readline()).decode("latin-1").split()
    if len(request) != 3:
        raise ValueError("no request line")
    length = 0
    for _number in range(100):
        header = (await reader.readline()).decode("latin-1").strip()
        if not header:
            break
        key, _colon, value = header.partition(":")
        if key.strip().lower() == "transfer-encoding":
            raise RefusedError("411 Length Required", "send a Content-Length")
        if key.strip().lower() == "content-length":
            length = int(value)
    if not 0 <= length <= BODY_LIMIT:
        raise RefusedError("413 Content Too Large", f"at most {BODY_LIMIT} bytes")
    return request[0], request[1].partition("?")[0], await reader.readexactly(length)
