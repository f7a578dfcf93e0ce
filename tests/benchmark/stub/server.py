"""The stub on the network: one TLS port for each cluster, HTTP/1.1 with keep-alive, watches, and faults on demand."""

from __future__ import annotations

import asyncio
import base64
import json
import ssl
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .api import Api, status_of
from .certificates import Authority, server_context
from .store import Object, Store


@dataclass
class Faults:
    """What is wrong with a cluster at the moment; a test sets these while the server runs."""

    delay: float = 0.0  # seconds before each answer
    status: int = 0  # answer everything with this
    throttle: int = 0  # answer so many requests with 429
    retry_after: str = "0"
    fail: int = 0  # answer so many requests with 503
    drop: int = 0  # close the connection instead of answering so many requests
    mute: bool = False  # take requests, never answer
    token: str = ""  # the only token that is not answered with 401
    forbid: str = ""  # method that is answered with 403


@dataclass
class Cluster:
    """One API server of the stub."""

    name: str
    port: int = 0
    store: Store = field(default_factory=Store)
    faults: Faults = field(default_factory=Faults)
    requests: Counter[str] = field(default_factory=Counter)
    log: list[str] = field(default_factory=list)
    identities: set[str] = field(default_factory=set)
    connections: int = 0
    kubeconfig: str = ""

    def __post_init__(self) -> None:
        self.api = Api(self.store)

    @property
    def total(self) -> int:
        return sum(self.requests.values())


class Connection(asyncio.Protocol):
    """One keep-alive connection; requests are answered in the order they come."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.buffer = b""
        self.tasks: set[asyncio.Task[None]] = set()
        self.watching: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: Any = transport
        self.cluster.connections += 1
        subject = (transport.get_extra_info("peercert") or {}).get("subject")
        if subject:
            self.cluster.identities.add(subject[0][0][1])

    def connection_lost(self, exc: Exception | None) -> None:
        if self.watching in self.cluster.store.listeners:
            self.cluster.store.listeners.remove(self.watching)

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while True:
            end = self.buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            first, *lines = self.buffer[:end].decode().split("\r\n")
            headers = {k.lower(): v for k, v in (line.split(": ", 1) for line in lines)}
            length = int(headers.get("content-length", 0))
            if len(self.buffer) < end + 4 + length:
                return
            body, self.buffer = self.buffer[end + 4 : end + 4 + length], self.buffer[end + 4 + length :]
            method, target, _version = first.split(" ")
            self._handle(method, target, headers, body)

    def _handle(self, method: str, target: str, headers: dict[str, str], body: bytes) -> None:
        cluster, faults = self.cluster, self.cluster.faults
        cluster.requests[method] += 1
        cluster.log.append(f"{method} {target}")
        if faults.mute:
            return
        if faults.drop:
            faults.drop -= 1
            self.transport.abort()
            return
        refusal = self._refusal(method, headers)
        if refusal:
            self._reply(refusal, status_of(refusal, "Fault", f"the stub answers {refusal}"))
        elif "watch=true" in target:
            self._watch(target)
        elif faults.delay:
            task = asyncio.get_running_loop().create_task(self._later(method, target, headers, body))
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)
        else:
            self._reply(*cluster.api.answer(method, target, body, headers))

    async def _later(self, method: str, target: str, headers: dict[str, str], body: bytes) -> None:
        await asyncio.sleep(self.cluster.faults.delay)
        self._reply(*self.cluster.api.answer(method, target, body, headers))

    def _refusal(self, method: str, headers: dict[str, str]) -> int:
        faults = self.cluster.faults
        if faults.token and headers.get("authorization") != f"Bearer {faults.token}":
            return 401
        if faults.forbid == method:
            return 403
        for name, code in (("throttle", 429), ("fail", 503)):
            if getattr(faults, name) > 0:
                setattr(faults, name, getattr(faults, name) - 1)
                return code
        return faults.status

    def _reply(self, status: int, body: Object) -> None:
        content = json.dumps(body, separators=(",", ":")).encode()
        head = f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {len(content)}\r\n"
        if status == 429:
            head += f"Retry-After: {self.cluster.faults.retry_after}\r\n"
        if not self.transport.is_closing():
            self.transport.write(head.encode() + b"\r\n" + content)

    def _watch(self, target: str) -> None:
        path, _mark, query = target.partition("?")
        params = dict(pair.split("=", 1) for pair in query.split("&") if "=" in pair)
        params = {key: value.replace("%3D", "=").replace("%2F", "/") for key, value in params.items()}
        kind, _name = self.cluster.api.locate(path)
        self.transport.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")

        def listener(event: str, where: str, obj: Object) -> None:
            if self.cluster.api.selected(path, kind, params, where, obj) and not self.transport.is_closing():
                line = json.dumps({"type": event, "object": obj}).encode() + b"\n"
                self.transport.write(b"%x\r\n%s\r\n" % (len(line), line))

        self.watching = listener
        self.cluster.store.listeners.append(listener)
        since = int(params.get("resourceVersion") or 0)
        for where, obj in list(self.cluster.store.objects.items()):
            if since and int(obj["metadata"]["resourceVersion"]) > since:
                listener("MODIFIED", where, obj)

        def end() -> None:
            if not self.transport.is_closing():
                self.transport.write(b"0\r\n\r\n")

        asyncio.get_running_loop().call_later(float(params.get("timeoutSeconds", 60)), end)


class Stub:
    """Some clusters on loopback. ``async with Stub(folder, ["a", "b"]) as stub: stub["a"]``."""

    def __init__(self, folder: Path, names: list[str]) -> None:
        self.folder = folder
        self.authority = Authority("stub authority")
        self.pair = self.authority.issue("stub", "127.0.0.1", "localhost", "api.stub.example")
        self.clusters = {name: Cluster(name) for name in names}
        self.servers: list[asyncio.Server] = []

    def __getitem__(self, name: str) -> Cluster:
        return self.clusters[name]

    async def __aenter__(self) -> Stub:
        context = server_context(self.folder, self.pair, self.authority.pem)
        for cluster in self.clusters.values():
            await self.serve(cluster, context)
        self.kubeconfig = self.write_kubeconfig()
        return self

    async def serve(self, cluster: Cluster, context: ssl.SSLContext) -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: Connection(cluster), "127.0.0.1", cluster.port, ssl=context)
        cluster.port = server.sockets[0].getsockname()[1]
        self.servers.append(server)

    async def __aexit__(self, *_: object) -> None:
        for server in self.servers:
            server.close()
        await asyncio.sleep(0)

    def write_kubeconfig(self) -> str:
        """One context per cluster, named like it; JSON, which every YAML reader takes."""
        path = self.folder / "kubeconfig"
        authority = base64.b64encode(self.authority.pem).decode()
        content = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [
                {
                    "name": n,
                    "cluster": {"server": f"https://127.0.0.1:{c.port}", "certificate-authority-data": authority},
                }
                for n, c in self.clusters.items()
            ],
            "users": [{"name": "admin", "user": {"token": "stub-token"}}],
            "contexts": [{"name": n, "context": {"cluster": n, "user": "admin"}} for n in self.clusters],
        }
        path.write_text(json.dumps(content))
        return str(path)
