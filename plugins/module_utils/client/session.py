# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""HTTP under the client: one pool, one identity, one deadline; every failure comes out in our words."""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
from collections.abc import AsyncIterator, Mapping
from typing import Any, NoReturn
from urllib.parse import urlencode

from . import explain, retry
from ._lib import aiohttp, yarl
from .access import Access
from .errors import ApiError, Unreachable

_TOO_LITTLE = 0.05  # seconds in which no server can be expected to answer
_REQUEST_SECONDS = 60.0  # an API server gives up on a request after a minute itself
_CONNECT_SECONDS = 10.0


class Session:
    """The connections to one API server.

    ``requests`` counts what was sent, retries included; ``fastest`` is the shortest answer so far in seconds;
    ``ends`` is the loop time after which nothing is sent any more.
    """

    def __init__(self, access: Access, *, deadline: float, connections: int) -> None:
        self.cluster = access.ref.name
        self.requests = 0
        self.fastest = math.inf
        self.deadline = deadline
        self.ends = asyncio.get_running_loop().time() + deadline
        self._access = access
        self._http = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=connections, keepalive_timeout=30),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            read_bufsize=2**18,
            skip_auto_headers=("User-Agent", "Accept-Encoding", "Accept", "Content-Type"),
        )

    @property
    def ca(self) -> str:
        """PEM text of the authority by which the server is verified; "" = the system's bundle."""
        return self._access.ca

    async def close(self) -> None:
        """Drop the connections."""
        await self._http.close()

    def url(self, path: str, params: Mapping[str, str] | None = None) -> Any:
        """The whole URL of an absolute path."""
        query = f"?{urlencode(params)}" if params else ""
        return yarl.URL(f"{self._access.server}{path}{query}", encoded=True)

    async def call(
        self, method: str, url: Any, headers: dict[str, str], data: bytes | None, timeout: float | None = None
    ) -> tuple[int, Any]:
        """Send a request, repeat it where that does no harm, and return the status and the decoded JSON."""
        attempt, renewed = 0, False
        reasons: list[ApiError | Unreachable] = []
        while True:
            try:
                return await self._once(method, url, headers, data, timeout or _REQUEST_SECONDS)
            except (ApiError, Unreachable) as error:
                if reasons and self.ends - asyncio.get_running_loop().time() < _TOO_LITTLE:
                    raise reasons[-1] from error  # the last try had no time to fail for a reason of its own
                reasons.append(error)
                if isinstance(error, ApiError) and error.status == 401 and self._access.renewable and not renewed:
                    renewed = True
                    await self._access.authorization(renew=True)
                    continue
                pause = retry.pause(method, error, attempt)
                if pause is None or pause >= self.ends - asyncio.get_running_loop().time():
                    raise
                attempt += 1
                await asyncio.sleep(pause)

    async def _once(
        self, method: str, url: Any, headers: dict[str, str], data: bytes | None, seconds: float
    ) -> tuple[int, Any]:
        loop = asyncio.get_running_loop()
        started = loop.time()
        seconds = min(seconds, self.ends - started)
        if seconds <= 0:
            raise explain.silent(self._access, self.deadline)
        try:
            async with await self._send(method, url, headers, data, seconds) as response:
                content = await response.read()
        except (aiohttp.ClientError, OSError) as error:  # TimeoutError is an OSError
            raise explain.unreachable(self._access, error, loop.time() - started) from error
        self.fastest = min(self.fastest, loop.time() - started)
        if response.status >= 400:
            self._refuse(method, url, response, content)
        return response.status, self._decode(method, url, content)

    async def stream(self, url: Any, seconds: float) -> AsyncIterator[Any]:
        """Yield the JSON documents of an answer that arrives line by line, until the server ends it.

        :param seconds: after which an end is no error, however it comes.
        """
        loop = asyncio.get_running_loop()
        started = loop.time()
        try:
            async with await self._send("GET", url, {"Accept": "application/json"}, None, seconds + 5.0) as response:
                if response.status >= 400:
                    self._refuse("GET", url, response, await response.read())
                async for line in _lines(response.content):
                    yield self._decode("GET", url, line)
        except (aiohttp.ClientError, OSError) as error:
            if loop.time() - started < seconds:
                raise explain.unreachable(self._access, error, loop.time() - started) from error

    async def _send(self, method: str, url: Any, headers: dict[str, str], data: bytes | None, seconds: float) -> Any:
        """The one place that touches the pool: identity, trust, proxy and the counter. Returns an open response."""
        access = self._access
        authorization = await access.authorization()
        if authorization:
            headers = {**headers, "Authorization": authorization}
        # aiohttp rounds longer limits up to whole seconds unless told otherwise
        limits = aiohttp.ClientTimeout(total=seconds, sock_connect=min(seconds, _CONNECT_SECONDS), ceil_threshold=1e9)
        self.requests += 1
        return await self._http.request(
            method,
            url,
            headers=headers,
            data=data,
            timeout=limits,
            allow_redirects=False,
            ssl=access.ssl or True,
            server_hostname=access.tls_server_name,
            proxy=access.proxy,
        )

    def _decode(self, method: str, url: Any, content: bytes) -> Any:
        if not content:
            return {}
        try:
            return json.loads(content)
        except ValueError:
            text = "the answer is not JSON; is this an API server?"
            raise ApiError(self.cluster, 200, "OK", text, method=method, path=url.path) from None

    def _refuse(self, method: str, url: Any, response: Any, content: bytes) -> NoReturn:
        reason, message = str(response.reason or ""), content[:300].decode(errors="replace").strip()
        with contextlib.suppress(ValueError, AttributeError):
            status = json.loads(content)
            reason, message = str(status.get("reason") or reason), str(status.get("message") or "")
        after = response.headers.get("Retry-After", "")
        raise ApiError(
            self.cluster,
            response.status,
            reason,
            message,
            method=method,
            path=url.path,
            retry_after=float(after) if after.isdigit() else 0.0,
        )


async def _lines(content: Any) -> AsyncIterator[bytes]:
    """Split a stream at newlines without a limit on their length: one watch event is one line."""
    rest = b""
    async for chunk in content.iter_any():
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            if line.strip():
                yield line
