"""Real API servers without nodes: etcd and kube-apiserver on loopback, one pair for each cluster."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import yaml
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from ansible_collections.clusterset.fabric.plugins.module_utils.client.client import Client, open_client
from ansible_collections.clusterset.fabric.plugins.module_utils.client.types import ClusterRef
from tests.benchmark.stub.certificates import Authority
from tests.integration.running import ROOT

START_LIMIT = 90.0


def program(name: str) -> Path:
    """Path of a program that the lab builds; raises OSError if it cannot be had here."""
    words = [sys.executable, "-m", "tests.lab", "program", name]
    done = subprocess.run(words, cwd=ROOT, stdout=subprocess.PIPE, text=True, timeout=1800, check=False)
    path = Path(done.stdout.strip().splitlines()[-1]) if done.stdout.strip() else Path()
    if done.returncode == 0 and path.is_file():
        return path
    found = [each for each in path.parent.glob("*") if each.is_file()] if path.name else []
    if done.returncode == 0 and len(found) == 1:
        return found[0]
    raise OSError(f"the lab cannot build {name} here")


def free_port() -> int:
    """A TCP port of loopback that nobody listens at now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Process:
    """A program that we have started, ended by its own id."""

    words: Sequence[str]
    log: Path
    running: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.running = subprocess.Popen(
                self.words, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )

    def stop(self, number: int = signal.SIGTERM) -> None:
        if self.running is None:
            return
        with contextlib.suppress(ProcessLookupError):
            self.running.send_signal(number)
        try:
            self.running.wait(15)
        except subprocess.TimeoutExpired:
            self.running.kill()
            self.running.wait(15)
        self.running = None

    def freeze(self) -> None:
        assert self.running
        os.kill(self.running.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        assert self.running
        os.kill(self.running.pid, signal.SIGCONT)


@dataclass
class Server:
    """One cluster: an API server with RBAC, its store, and a kubeconfig context of its name for ``system:masters``.

    :ivar service_range: one range of each family, with a comma between them.
    """

    name: str
    folder: Path
    service_range: str
    kubernetes: Path
    etcd: Path
    port: int = field(default_factory=free_port)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True)
        self.authority = Authority(f"ca-{self.name}")
        self._write_material()
        peer, client = free_port(), free_port()
        store = [str(self.etcd), "--data-dir", str(self.folder / "etcd"), "--unsafe-no-fsync", "--name", self.name]
        store += [f"--{kind}-client-urls=http://127.0.0.1:{client}" for kind in ("listen", "advertise")]
        store += [f"--{kind}=http://127.0.0.1:{peer}" for kind in ("listen-peer-urls", "initial-advertise-peer-urls")]
        store += [f"--initial-cluster={self.name}=http://127.0.0.1:{peer}"]
        self.store = Process(store, self.folder / "etcd.log")
        self.api = Process(self._api_words(client), self.folder / "kube-apiserver.log")

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    @property
    def ca(self) -> str:
        return self.authority.pem.decode()

    @property
    def ref(self) -> ClusterRef:
        return ClusterRef(self.name, str(self.kubeconfig), self.name)

    @property
    def kubeconfig(self) -> Path:
        return self.folder / "kubeconfig"

    def _write_material(self) -> None:
        first = self.service_range.rsplit(".", 1)[0] + ".1"
        pair = self.authority.issue("kube-apiserver", "127.0.0.1", "kubernetes.default.svc", first)
        for name, content in zip(("server.crt", "server.key"), pair, strict=True):
            (self.folder / name).write_bytes(content)
        (self.folder / "ca.crt").write_bytes(self.authority.pem)
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        (self.folder / "sa.key").write_bytes(private)
        public = key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        (self.folder / "sa.pub").write_bytes(public)
        (self.folder / "tokens.csv").write_text("operator-of-the-test,operator,1,system:masters\n")
        self.write_kubeconfig(self.kubeconfig, "operator-of-the-test")

    def write_kubeconfig(self, path: Path, token: str) -> Path:
        content = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": self.name,
            "clusters": [
                {
                    "name": self.name,
                    "cluster": {"server": self.url, "certificate-authority": str(self.folder / "ca.crt")},
                }
            ],
            "users": [{"name": self.name, "user": {"token": token}}],
            "contexts": [{"name": self.name, "context": {"cluster": self.name, "user": self.name}}],
        }
        path.write_text(yaml.safe_dump(content))
        return path

    def _api_words(self, store_port: int) -> list[str]:
        link = self.folder / "kube-apiserver"  # the program looks at its own name
        link.symlink_to(self.kubernetes)
        flags = {
            "etcd-servers": f"http://127.0.0.1:{store_port}",
            "bind-address": "127.0.0.1",
            "advertise-address": "127.0.0.1",
            "secure-port": str(self.port),
            "cert-dir": str(self.folder),
            "tls-cert-file": str(self.folder / "server.crt"),
            "tls-private-key-file": str(self.folder / "server.key"),
            "token-auth-file": str(self.folder / "tokens.csv"),
            "authorization-mode": "RBAC",
            "service-cluster-ip-range": self.service_range,
            "service-account-issuer": "https://kubernetes.default.svc.cluster.local",
            "service-account-key-file": str(self.folder / "sa.pub"),
            "service-account-signing-key-file": str(self.folder / "sa.key"),
            # there is no controller manager that would make the accounts which pods need; there are no pods either
            "disable-admission-plugins": "ServiceAccount",
            "endpoint-reconciler-type": "none",
        }
        return [str(link), *(f"--{name}={value}" for name, value in flags.items())]

    def start(self) -> None:
        self.store.start()
        self.api.start()

    def stop(self) -> None:
        self.api.stop()
        self.store.stop()

    async def ready(self) -> None:
        ends = time.monotonic() + START_LIMIT
        while time.monotonic() < ends:
            try:
                async with await open_client(self.ref, deadline=5) as client:
                    await client.get("/api/v1/namespaces/default")
                    await client.get("/apis/rbac.authorization.k8s.io/v1/clusterroles/view")
                    return
            except Exception:
                if self.api.running is None or self.api.running.poll() is not None:
                    break
                await asyncio.sleep(0.5)
        raise AssertionError(f"{self.name} does not start:\n{self.api.log.read_text()[-3000:]}")

    async def client(self, deadline: float = 120) -> Client:
        return await open_client(self.ref, deadline=deadline)


@contextlib.contextmanager
def servers(folder: Path, names: Sequence[str]) -> Iterator[dict[str, Server]]:
    """Started servers by name, ready; stopped at the end."""
    kubernetes, etcd = program("kubernetes"), program("etcd")
    made = {
        name: Server(name, folder / name, f"10.{140 + number}.0.0/16,fd00:{140 + number}::/112", kubernetes, etcd)
        for number, name in enumerate(names, start=1)
    }
    try:
        for each in made.values():
            each.start()

        async def ready() -> None:
            await asyncio.gather(*(each.ready() for each in made.values()))

        asyncio.run(ready())
        yield made
    finally:
        for each in made.values():
            each.stop()


def dumped(value: object) -> str:
    """For messages of failed assertions."""
    return json.dumps(value, indent=1, default=str)[:4000]
