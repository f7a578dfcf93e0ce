# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two pods and a router between them, as network namespaces with a running verifier in each pod."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

AGENT = Path(__file__).parents[3] / "agent"
TOKEN = "run-token"
ASK = """
import json, sys, urllib.request
request = urllib.request.Request("http://127.0.0.1:8080/check", data=sys.stdin.buffer.read())
print(urllib.request.urlopen(request, timeout=50).read().decode())
"""


def sh(*command: str, text: str | None = None) -> str:
    done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=60, check=False)
    if done.returncode:
        raise AssertionError(f"{' '.join(command)}: {done.stderr}")
    return done.stdout


@dataclass
class Net:
    """Namespaces `left`, `middle` (the router) and `right`; addresses 10.77.1.2, 10.77.2.2 and fd77:1::2, fd77:2::2."""

    prefix: str
    programs: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def freeze(self, side: str, seconds: float) -> None:
        """The verifier in ``side`` gets no processor for a while."""
        self.programs[side].send_signal(signal.SIGSTOP)
        time.sleep(seconds)
        self.programs[side].send_signal(signal.SIGCONT)

    def run(self, where: str, *command: str, text: str | None = None) -> str:
        return sh("ip", "netns", "exec", self.prefix + where, *command, text=text)

    def nft(self, rules: str) -> None:
        self.run("middle", "nft", "-f", "-", text=rules)

    def check(self, address: str = "10.77.2.2", expect: str = "right", **options: Any) -> dict[str, dict[str, Any]]:
        """What left finds out about right: findings by name of check."""
        request = {"token": TOKEN, "options": options, "targets": [{"name": "t", "address": address, "expect": expect}]}
        answer = json.loads(self.run("left", sys.executable, "-c", ASK, text=json.dumps(request)))
        return {found["name"]: found for found in answer["targets"][0]["checks"]}


def _wire(net: Net, side: str, number: int) -> None:
    name, middle, link = net.prefix + side, net.prefix + "middle", f"v{number}{net.prefix}"[:15]
    sh("ip", "link", "add", link, "netns", middle, "type", "veth", "peer", "name", "eth0", "netns", name)
    sh("ip", "-n", middle, "link", "set", link, "name", side)
    for family, address, gateway in (("-4", f"10.77.{number}.2/24", f"10.77.{number}.1"),
                                     ("-6", f"fd77:{number}::2/64", f"fd77:{number}::1")):  # fmt: skip
        dad = ["nodad"] if family == "-6" else []
        length = address.partition("/")[2]
        sh("ip", "-n", middle, "addr", "add", f"{gateway}/{length}", "dev", side, *dad)
        sh("ip", "-n", name, "addr", "add", address, "dev", "eth0", *dad)
    sh("ip", "-n", middle, "link", "set", side, "up")
    sh("ip", "-n", name, "link", "set", "eth0", "up")
    sh("ip", "-n", name, "route", "add", "default", "via", f"10.77.{number}.1")
    sh("ip", "-n", name, "-6", "route", "add", "default", "via", f"fd77:{number}::1")


def _start(net: Net, side: str) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "VERIFIER_NAME": side, "VERIFIER_TOKEN": TOKEN, "PYTHONPATH": str(AGENT)}
    # No capability and an ordinary group, as in a pod. The user stays: the interpreter may be readable for it alone.
    command = ["ip", "netns", "exec", net.prefix + side, "setpriv", "--regid=65532", "--clear-groups"]
    command += ["--inh-caps=-all", "--bounding-set=-all", sys.executable, "-m", "clusterset_agent.verifier"]
    return subprocess.Popen(command, env=environment)


def _wait_ready(net: Net, side: str) -> None:
    ask = "import urllib.request as r; print(r.urlopen('http://127.0.0.1:8080/ready', timeout=1).read().decode())"
    for _attempt in range(50):
        try:
            assert json.loads(net.run(side, sys.executable, "-c", ask)) == {"name": side}
            return
        except AssertionError:
            time.sleep(0.1)
    raise AssertionError(f"verifier in {side} does not answer")


@pytest.fixture(scope="module")
def wired() -> Iterator[Net]:
    net = Net(f"fv{os.getpid()}")
    sides = ("left", "middle", "right")
    if (
        os.geteuid()
        or subprocess.run(["ip", "netns", "add", net.prefix + "left"], capture_output=True, check=False).returncode
    ):
        pytest.skip("needs root and the right to make network namespaces")
    try:
        for side in sides[1:]:
            sh("ip", "netns", "add", net.prefix + side)
        for side in sides:
            sh("ip", "-n", net.prefix + side, "link", "set", "lo", "up")
            net.run(side, "sysctl", "-qw", "net.ipv4.ping_group_range=0 65535")
            # new addresses, link-local ones too, serve at once instead of after duplicate detection
            net.run(side, "sysctl", "-qw", "net.ipv6.conf.default.accept_dad=0", "net.ipv6.conf.all.accept_dad=0")
        net.run("middle", "sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1")
        _wire(net, "left", 1)
        _wire(net, "right", 2)
        net.programs |= {side: _start(net, side) for side in ("left", "right")}
        for side in net.programs:
            _wait_ready(net, side)
        yield net
    finally:
        for program in net.programs.values():
            program.terminate()
            program.wait(10)
        for side in sides:
            subprocess.run(["ip", "netns", "delete", net.prefix + side], capture_output=True, check=False)


@pytest.fixture
def net(wired: Net) -> Iterator[Net]:
    """The namespaces, with the router's rules taken away after the test."""
    yield wired
    wired.run("middle", "nft", "flush", "ruleset")
