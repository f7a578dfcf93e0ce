# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two clusters of network namespaces in the hard setting: a plugin that masquerades, strict reverse path checks,
and a firewall that drops what connection tracking calls invalid. The agents have no API server: they live on what
they remember.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[3]
PREFIX = f"cf{os.getpid()}-"
PLUGIN = """
table ip plugin {{
  chain post {{
    type nat hook postrouting priority srcnat
    ip saddr {pods} ip daddr != {pods} masquerade
    ip saddr != {pods} ip daddr {pods} masquerade
  }}
  chain forward {{
    type filter hook forward priority filter
    ct state invalid drop
  }}
}}
"""
PYTHONPATH = f"{ROOT / 'agent'}:{ROOT / '.build/collections'}"


class Answers(NamedTuple):
    """What became of a stream: whose address the receiver saw, packets sent and lost, longest silence in seconds."""

    seen: str
    sent: int
    lost: int
    gap: float

    @classmethod
    def read(cls, text: str) -> Answers:
        seen, sent, lost, gap = text.split()
        return cls(seen, int(sent), int(lost), float(gap))


@dataclass(frozen=True)
class Node:
    """One node; the number decides its addresses. A pod is there if ``pod`` is."""

    name: str
    cluster: str
    number: int
    gateway: int | None = None
    pod: bool = False

    @property
    def underlay(self) -> str:
        return f"192.0.2.{self.number + (0 if self.cluster == 'east' else 100)}"

    @property
    def tunnel(self) -> str:
        return f"10.248.{4 if self.cluster == 'east' else 8}.{self.number}"

    @property
    def pods(self) -> str:
        return f"10.{41 if self.cluster == 'east' else 42}.{self.number}"

    @property
    def pod_address(self) -> str:
        return f"{self.pods}.2"


NODES = (
    Node("e1", "east", 1, gateway=0),
    Node("e2", "east", 2, gateway=1),
    Node("e3", "east", 3, pod=True),
    Node("w1", "west", 1, gateway=0, pod=True),
    Node("w2", "west", 2, gateway=1),
    Node("w3", "west", 3, pod=True),
)
NODE = {node.name: node for node in NODES}
STREAM = str(Path(__file__).with_name("stream.py"))
WIREGUARD = {"driver": "wireguard", "cost": 100, "mtu": 1420}
RANGES = {
    "east": ("10.41.0.0/16", "10.141.0.0/16", "10.248.4.0/22"),
    "west": ("10.42.0.0/16", "10.142.0.0/16", "10.248.8.0/22"),
}
INDEX = {"east": 1, "west": 2}


@functools.cache
def wireguard_go() -> str:
    """The program that runs WireGuard outside of the kernel: the one named, else the lab's, built if need be."""
    if named := os.environ.get("WIREGUARD_GO"):
        return named
    return run(sys.executable, "-m", "tests.lab", "program", "wireguard-go", limit=600).splitlines()[-1]


def missing() -> str:
    """Why these tests cannot run here, or an empty string."""
    if os.geteuid() != 0:
        return "needs root, for network namespaces"
    absent = [program for program in ("ip", "nft", "wg", "sysctl") if not shutil.which(program)]
    if absent:
        return f"needs {', '.join(absent)}"
    if not Path("/dev/net/tun").exists():
        return "needs /dev/net/tun"
    return ""


def run(*command: str, text: str | None = None, check: bool = True, limit: float = 30) -> str:
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False, timeout=limit, cwd=ROOT)
    if check and done.returncode:
        raise AssertionError(f"{' '.join(command)}: {done.stderr}")
    return done.stdout


class Net:
    """The namespaces and the programs in them."""

    def __init__(self, folder: Path, links: list[dict[str, Any]] | None = None) -> None:
        self.folder = folder
        self.links = links or [WIREGUARD]
        self.generations = [0]
        self.agents: dict[str, subprocess.Popen[bytes]] = {}
        self.others: list[subprocess.Popen[bytes]] = []
        self.names: list[str] = []

    def inside(self, name: str, *command: str, text: str | None = None, check: bool = True) -> str:
        return run("ip", "netns", "exec", PREFIX + name, *command, text=text, check=check)

    def spawn(self, name: str, *command: str, **more: Any) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(["ip", "netns", "exec", PREFIX + name, *command], **more)
        self.others.append(process)
        return process

    def build(self) -> None:
        self._namespace("switch")
        self.inside("switch", "ip", "link", "add", "br0", "type", "bridge")
        self.inside("switch", "ip", "link", "set", "br0", "up")
        for node in NODES:
            self._node(node)
        self._routes()
        self._remember()

    def _namespace(self, name: str) -> None:
        run("ip", "netns", "add", PREFIX + name)
        self.names.append(name)
        self.inside(
            name,
            "sysctl",
            "-qw",
            "net.ipv4.ip_forward=1",
            *(f"net.ipv4.conf.{k}.rp_filter=1" for k in ("all", "default")),
        )
        self.inside(name, "ip", "link", "set", "lo", "up")

    def _cable(self, one: str, one_device: str, other: str, other_device: str) -> None:
        self.inside(
            one, "ip", "link", "add", one_device, "type", "veth", "peer", "name", other_device, "netns", PREFIX + other
        )
        self.inside(one, "ip", "link", "set", one_device, "up")
        self.inside(other, "ip", "link", "set", other_device, "up")

    def _node(self, node: Node) -> None:
        self._namespace(node.name)
        self._cable(node.name, "eth0", "switch", node.name)
        self.inside("switch", "ip", "link", "set", node.name, "master", "br0")
        self.inside(node.name, "ip", "addr", "add", f"{node.underlay}/24", "dev", "eth0")
        self.inside(node.name, "nft", "-f", "-", text=PLUGIN.format(pods=RANGES[node.cluster][0]))
        if node.pod:
            pod = f"{node.name}p"
            self._namespace(pod)
            self._cable(node.name, "pod0", pod, "eth0")
            self.inside(node.name, "ip", "addr", "add", f"{node.pods}.1/24", "dev", "pod0")
            self.inside(pod, "ip", "addr", "add", f"{node.pod_address}/24", "dev", "eth0")
            self.inside(pod, "ip", "route", "add", "default", "via", f"{node.pods}.1")

    def _routes(self) -> None:
        """Pods of other nodes over the nodes' own network, as plugins without an overlay do it."""
        for node in NODES:
            for other in NODES:
                if other != node and other.cluster == node.cluster:
                    self.inside(node.name, "ip", "route", "add", f"{other.pods}.0/24", "via", other.underlay)

    def _remember(self) -> None:
        for node in NODES:
            for part in ("run", "state", "sockets"):
                (self.folder / node.name / part).mkdir(parents=True, exist_ok=True)
            self.tell(node)

    def tell(self, node: Node, **changes: Any) -> None:
        """Write what the agent of a node reads when it starts; ``changes`` are for the whole memory."""
        path = self.folder / node.name / "run/state.json"
        before = json.loads(path.read_text()) if path.exists() else {}
        keys = {node.name: [self._key(node, number) for number in self.generations] for node in NODES}
        memory = {
            **before,
            "fabric": {**_fabric(node.cluster), "keyGenerations": self.generations},
            "peers": [_peer(other(node.cluster), keys, self.links)],
            "addresses": _addresses(node.cluster),
            **changes,
        }
        path.write_text(json.dumps(memory))

    def retell(self, node: Node, **changes: Any) -> None:
        """Have a node's agent follow something new; it has no API server, so it is started anew."""
        self.stop_agent(node.name)
        self.tell(node, **changes)
        self.agents[node.name] = self.program(node, "node")

    def _key(self, node: Node, generation: int) -> dict[str, Any]:
        path = self.folder / node.name / f"state/private-{generation}.key"
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            path.write_text(run("wg", "genkey"))
            path.chmod(0o600)
        return {"generation": generation, "publicKey": run("wg", "pubkey", text=path.read_text()).strip()}

    def program(self, node: Node, part: str) -> subprocess.Popen[bytes]:
        """Start a part of the agent as a pod would: its own folder of sockets, its own places on the disk."""
        home = self.folder / node.name
        environment = {
            **os.environ,
            "PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}:/usr/sbin:/sbin",
            "PYTHONPATH": PYTHONPATH,
            "NODE_NAME": node.name,
            "NODE_ADDRESS": node.underlay,
            "FABRIC_STATE_DIR": str(home / "state"),
            "FABRIC_RUN_DIR": str(home / "run"),
            "FABRIC_SYSCTL_DIR": "/proc/sys/net",
        }
        script = (
            f"mount --bind {home / 'sockets'} /var/run/wireguard && exec {sys.executable} -m clusterset_agent {part}"
        )
        log = (home / f"{part}.log").open("ab")
        return self.spawn(node.name, "sh", "-c", script, env=environment, stdout=log, stderr=log)

    def start(self) -> None:
        Path("/var/run/wireguard").mkdir(parents=True, exist_ok=True)
        (self.folder / "bin").mkdir(exist_ok=True)
        (self.folder / "bin/wireguard-go").symlink_to(wireguard_go())
        for node in NODES:
            if node.gateway is not None:
                self.program(node, "tunnels")
            self.agents[node.name] = self.program(node, "node")

    def join(self) -> None:
        """Start everything and wait until all gateways are in use, from both sides."""
        self.start()
        for node in NODES:
            if node.pod:
                self.spawn(f"{node.name}p", sys.executable, STREAM, "serve")
        wait(self.settled, 90)  # a busy machine needs its time to start all programs

    def hops(self, node: str, destination: str) -> int:
        """How many ways a node's route to a range has."""
        text = self.inside(node, "ip", "route", "show", destination, "proto", "111")
        return max(text.count("nexthop"), int(bool(text.strip())))

    def settled(self) -> bool:
        """Whether every node uses both gateways of the other cluster, or of its own."""
        return all(self.hops(node.name, RANGES[other(node.cluster)][0]) == 2 for node in NODES)

    def call(self, pod: str, address: str, seconds: float = 0.5) -> Answers:
        """A stream of datagrams from a pod; returns what became of it."""
        words = (sys.executable, STREAM, "call", address, str(seconds))
        return Answers.read(self.inside(pod, *words))

    @contextlib.contextmanager
    def streaming(self, pod: str, address: str, seconds: float) -> Iterator[list[Answers]]:
        """The same in the background; the list holds the outcome after the block."""
        words = ["ip", "netns", "exec", PREFIX + pod, sys.executable, STREAM, "call", address, str(seconds)]
        outcome: list[Answers] = []
        with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
            time.sleep(0.5)
            yield outcome
            outcome.append(Answers.read(process.communicate(timeout=seconds + 20)[0]))

    def connect(self, pod: str, address: str, times: int = 8) -> str:
        """Open TCP connections; returns the distinct addresses that the server saw."""
        return self.inside(pod, sys.executable, STREAM, "connect", address, str(times)).strip()

    @contextlib.contextmanager
    def fault(self, name: str, rule: str, hook: str = "forward", family: str = "ip") -> Iterator[None]:
        """One nftables rule in one namespace, ahead of all others."""
        self.inside(
            name, "nft", f"table {family} fault {{ chain c {{ type filter hook {hook} priority -350; {rule}; }}; }}"
        )
        try:
            yield
        finally:
            self.inside(name, "nft", "delete", "table", family, "fault")

    def stop_agent(self, name: str) -> None:
        self.agents[name].terminate()
        self.agents[name].wait(10)

    def log(self, node: str, part: str = "node") -> list[dict[str, Any]]:
        lines = (self.folder / node / f"{part}.log").read_text().splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]

    def close(self) -> None:
        for process in reversed(self.others):
            if process.poll() is None:
                process.terminate()
        for process in self.others:
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
        for name in self.names:
            run("ip", "netns", "del", PREFIX + name, check=False)


def other(cluster: str) -> str:
    return "west" if cluster == "east" else "east"


def wait(good: Callable[[], bool], seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not good():
        assert time.monotonic() < end, "it did not come about in time"
        time.sleep(0.1)


def made(folder: Path, links: list[dict[str, Any]] | None = None) -> Iterator[Net]:
    if reason := missing():
        pytest.skip(reason)
    net = Net(folder, links)
    try:
        net.build()
        yield net
    finally:
        net.close()


def _fabric(cluster: str) -> dict[str, Any]:
    pods, services, tunnel = RANGES[cluster]
    gateways = [{"node": n.name, "ordinal": n.gateway} for n in NODES if n.cluster == cluster and n.gateway is not None]
    return {
        "clusterID": cluster, "index": INDEX[cluster], "podCIDRs": [pods], "serviceCIDRs": [services],
        "tunnelCIDR": tunnel, "underlayMTU": 1500, "gateways": gateways, "state": "Active",
    }  # fmt: skip


def _peer(cluster: str, keys: dict[str, list[dict[str, Any]]], links: list[dict[str, Any]]) -> dict[str, Any]:
    gateways = [
        {
            "node": n.name,
            "ordinal": n.gateway,
            "endpoint": n.underlay,
            "keys": keys[n.name],
            "tunnelAddress": n.tunnel,
        }
        for n in NODES
        if n.cluster == cluster and n.gateway is not None
    ]
    return {**_fabric(cluster), "links": links, "gateways": gateways}


def _addresses(cluster: str) -> dict[str, Any]:
    return {n.tunnel: {"node": n.name, "underlayAddress": n.underlay} for n in NODES if n.cluster == cluster}
