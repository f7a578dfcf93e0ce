# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clusters of network namespaces in the hard setting: a plugin that masquerades, strict reverse path checks,
and a firewall that drops what connection tracking calls invalid. The agents have no API server: they live on what
they remember, unless one is started for them.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from prometheus_client.parser import text_string_to_metric_families

from .spaces import ROOT, Spaces, missing, run, wait
from .topology import LAN, NETWORKS, SWITCH, WIREGUARD, Node, Spec, Topology, pair, ranges

__all__ = [
    "LAN",
    "NODE",
    "NODES",
    "ROUTER",
    "STREAM",
    "SWITCH",
    "WIREGUARD",
    "Answers",
    "Net",
    "Node",
    "Topology",
    "made",
    "wait",
]

NODES = pair()
NODE = {node.name: node for node in NODES}
STREAM = str(Path(__file__).with_name("stream.py"))
ROUTER, GATE = "router", f"{NETWORKS[LAN]}.254"
"""Between both networks, and its address in the inner one."""
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
TRANSLATION = """
table ip translation {
  chain post { type nat hook postrouting priority srcnat; oifname "eth0" masquerade; }
  chain forward { type filter hook forward priority filter; iifname "eth0" ct state new drop; }
}
"""
PYTHONPATH = f"{ROOT / 'agent'}:{ROOT / '.build/collections'}:{ROOT}"


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


@functools.cache
def wireguard_go() -> str:
    """The program that runs WireGuard outside of the kernel: the one named, else the lab's, built if need be."""
    if named := os.environ.get("WIREGUARD_GO"):
        return named
    return run(sys.executable, "-m", "tests.lab", "program", "wireguard-go", limit=600).splitlines()[-1]


class Net(Spaces):
    """The namespaces of all nodes and pods, and the agents in them."""

    def __init__(self, folder: Path, topology: Topology | None = None) -> None:
        super().__init__()
        self.folder = folder
        self.topology = topology or Topology()
        self.agents: dict[str, subprocess.Popen[bytes]] = {}

    @property
    def nodes(self) -> tuple[Node, ...]:
        return self.topology.nodes

    # --- namespaces ---

    def build(self) -> None:
        self.bridge(SWITCH)
        if any(node.network == LAN for node in self.nodes):
            self._router()
        for node in self.nodes:
            self._node(node)
        self._routes()
        for node in self.nodes:
            for part in ("run", "state", "host-run/wireguard"):
                (self.folder / node.name / part).mkdir(parents=True, exist_ok=True)
            self.tell(node)
        (self.folder / "bin").mkdir(exist_ok=True)
        (self.folder / "bin/wireguard-go").symlink_to(wireguard_go())

    def _router(self) -> None:
        """Nobody outside knows the way in: what comes from inside gets the router's own address."""
        self.bridge(LAN)
        self.space(ROUTER)
        self.plug(ROUTER, f"{NETWORKS[SWITCH]}.200", SWITCH)
        self.plug(ROUTER, GATE, LAN, "lan0")
        self.inside(ROUTER, "nft", "-f", "-", text=TRANSLATION)

    def _node(self, node: Node) -> None:
        self.space(node.name)
        self.plug(node.name, node.underlay, node.network)
        if node.network == LAN:
            self.inside(node.name, "ip", "route", "add", "default", "via", GATE)
        self.inside(node.name, "nft", "-f", "-", text=self.plugin(node))
        if node.pod:
            pod = f"{node.name}p"
            self.space(pod)
            self.cable(node.name, "pod0", pod, "eth0")
            self.inside(node.name, "ip", "addr", "add", f"{node.pods}.1/24", "dev", "pod0")
            self.inside(pod, "ip", "addr", "add", f"{node.pod_address}/24", "dev", "eth0")
            self.inside(pod, "ip", "route", "add", "default", "via", f"{node.pods}.1")

    def plugin(self, node: Node) -> str:
        """The rules of the network plugin on a node."""
        return PLUGIN.format(pods=ranges(node.cluster)[0])

    def _routes(self) -> None:
        """Pods of other nodes over the nodes' own network, as plugins without an overlay do it."""
        for node in self.nodes:
            for other in self.nodes:
                if other != node and other.cluster == node.cluster:
                    self.inside(node.name, "ip", "route", "add", f"{other.pods}.0/24", "via", other.underlay)

    # --- agents ---

    def tell(self, node: Node, **changes: Any) -> None:
        """Write what the agent of a node reads when it starts; ``changes`` are for the whole memory."""
        path = self.folder / node.name / "run/state.json"
        before = json.loads(path.read_text()) if path.exists() else {}
        memory = {
            **before,
            "fabric": self.topology.fabric(node.cluster),
            "peers": self.topology.peers(node.cluster, self.public_keys),
            "addresses": self.topology.addresses(node.cluster),
            **changes,
        }
        path.write_text(json.dumps(memory))

    def retell(self, node: Node, **changes: Any) -> None:
        """Have a node's agent follow something new; it has no API server, so it is started anew."""
        self.stop_agent(node.name)
        self.tell(node, **changes)
        self.start_agent(node)

    def public_keys(self, node: Node) -> list[Spec]:
        return [self._key(node, generation) for generation in self.topology.generations]

    def _key(self, node: Node, generation: int) -> Spec:
        path = self.folder / node.name / f"state/private-{generation}.key"
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            path.write_text(run("wg", "genkey"))
            path.chmod(0o600)
        return {"generation": generation, "publicKey": run("wg", "pubkey", text=path.read_text()).strip()}

    def program(self, node: Node, part: str, module: str = "clusterset_agent") -> subprocess.Popen[bytes]:
        """Start a part of the agent as a pod would: with a /run and places on the disk of its own."""
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
            "KUBERNETES_SERVICE_HOST": "127.0.0.1",
            "KUBERNETES_SERVICE_PORT": "6443",
        }
        script = f"{self._own_run(node)} && exec {sys.executable} -m {module} {part}"
        log = (home / f"{Path(part).name}.log").open("ab")
        return self.spawn(node.name, "sh", "-c", script, env=environment, stdout=log, stderr=log)

    def _own_run(self, node: Node) -> str:
        return f"mount --bind {self.folder / node.name / 'host-run'} /var/run"

    def wg(self, node: Node, words: str) -> list[str]:
        """The last word of each line that ``wg`` prints: of ``show all``, a value for each interface or peer."""
        text = self.inside(node.name, "sh", "-c", f"{self._own_run(node)} && exec wg {words}")
        return [line.split()[-1] for line in text.splitlines()]

    def start_agent(self, node: Node) -> None:
        self.agents[node.name] = self.program(node, "node")

    def stop_agent(self, name: str) -> None:
        self.agents[name].terminate()
        self.agents[name].wait(10)

    def start_api(self, node: Node) -> None:
        """Give one node's agent an API server; it is found at the agent's next start."""
        self.program(node, str(self.folder / node.name), "tests.integration.netns.api")
        token = self.folder / node.name / "host-run/secrets/kubernetes.io/serviceaccount/token"
        wait(token.exists)

    def join(self) -> None:
        """Start everything and wait until all gateways are in use, from all sides."""
        for node in self.nodes:
            if node.gateway is not None:
                self.program(node, "tunnels")
            self.start_agent(node)
            if node.pod:
                self.spawn(f"{node.name}p", sys.executable, STREAM, "serve")
        wait(self.settled, 90)  # a busy machine needs its time to start all programs

    # --- what is seen ---

    def hops(self, node: str, destination: str) -> int:
        """How many ways a node's route to a range has."""
        text = self.inside(node, "ip", "route", "show", destination, "proto", "111")
        return max(text.count("nexthop"), int(bool(text.strip())))

    def settled(self) -> bool:
        """Whether every gateway uses all its links, and every other node all gateways of its cluster."""
        return all(self._all_ways(node, *way) for node in self.nodes for way in self.topology.ways(node).items())

    def _all_ways(self, node: Node, cluster: str, count: int) -> bool:
        pods = ranges(cluster)[0]
        handed_over = node.gateway is not None and "fab0" in self.inside(node.name, "ip", "route", "show", pods)
        return not handed_over and self.hops(node.name, pods) == count

    def call(self, pod: str, address: str, seconds: float = 0.5) -> Answers:
        """A stream of datagrams from a pod; returns what became of it."""
        words = self.words(pod, sys.executable, STREAM, "call", address, str(seconds))
        with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout
            return Answers.read(process.stdout.read())

    @contextlib.contextmanager
    def streaming(self, pod: str, address: str) -> Iterator[list[Answers]]:
        """The same in the background, as long as the block lasts; the list holds the outcome after it."""
        words = self.words(pod, sys.executable, STREAM, "call", address, "120")
        outcome: list[Answers] = []
        with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            time.sleep(0.5)
            yield outcome
            time.sleep(0.3)
            outcome.append(Answers.read(process.communicate(timeout=20)[0]))

    def connect(self, pod: str, address: str, times: int = 8) -> str:
        """Open TCP connections; returns the distinct addresses that the server saw."""
        return self.inside(pod, sys.executable, STREAM, "connect", address, str(times)).strip()

    def segment(self, pod: str, address: str) -> int:
        """The largest packet, in bytes, that a new TCP connection will send."""
        return int(self.inside(pod, sys.executable, STREAM, "segment", address))

    def page(self, node: Node, path: str) -> tuple[int, str]:
        """Status and text of one of the agent's pages; status 0 if nobody answers."""
        status, _line, text = self.inside(
            node.name, sys.executable, STREAM, "get", f"http://{node.underlay}:14790{path}"
        ).partition("\n")
        return int(status), text

    def metric(self, node: Node, name: str) -> dict[str, float]:
        """One of the metrics of a node's links, by the remote gateway."""
        families = text_string_to_metric_families(self.page(node, "/metrics")[1])
        samples = [sample for family in families if family.name == name for sample in family.samples]
        return {sample.labels["gateway"]: sample.value for sample in samples}

    def log(self, node: str, part: str = "node") -> list[dict[str, Any]]:
        lines = (self.folder / node / f"{part}.log").read_text().splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]


def made(folder: Path, topology: Topology | None = None) -> Iterator[Net]:
    if reason := missing():
        pytest.skip(reason)
    net = Net(folder, topology)
    try:
        net.build()
        yield net
    finally:
        net.close()
