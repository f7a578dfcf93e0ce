# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Network namespaces, the cables between them and the programs in them; all gone when closed."""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
_numbers = itertools.count()


def missing() -> str:
    """Why namespaces cannot be had here, or an empty string."""
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


def wait(good: Callable[[], bool], seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not good():
        assert time.monotonic() < end, "it did not come about in time"
        time.sleep(0.1)


class Spaces:
    """Namespaces by short names; on the machine they have a prefix of their own."""

    def __init__(self) -> None:
        self.prefix = f"cf{os.getpid()}-{next(_numbers)}-"
        self.programs: list[subprocess.Popen[bytes]] = []
        self.names: list[str] = []

    def words(self, name: str, *command: str) -> list[str]:
        """The command line that runs a command inside a namespace."""
        return ["ip", "netns", "exec", self.prefix + name, *command]

    def inside(self, name: str, *command: str, text: str | None = None, check: bool = True) -> str:
        return run(*self.words(name, *command), text=text, check=check)

    def spawn(self, name: str, *command: str, **more: Any) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(self.words(name, *command), **more)
        self.programs.append(process)
        return process

    def space(self, name: str) -> None:
        """Make a namespace that forwards packets, with strict reverse path checks."""
        run("ip", "netns", "add", self.prefix + name)
        self.names.append(name)
        strict = (f"net.ipv4.conf.{which}.rp_filter=1" for which in ("all", "default"))
        self.inside(name, "sysctl", "-qw", "net.ipv4.ip_forward=1", *strict)
        self.inside(name, "ip", "link", "set", "lo", "up")

    def bridge(self, name: str) -> None:
        """Make a namespace that is a switch."""
        self.space(name)
        self.inside(name, "ip", "link", "add", "br0", "type", "bridge")
        self.inside(name, "ip", "link", "set", "br0", "up")

    def cable(self, one: str, device: str, other: str, other_device: str) -> None:
        there = ("name", other_device, "netns", self.prefix + other)
        self.inside(one, "ip", "link", "add", device, "type", "veth", "peer", *there)
        self.inside(one, "ip", "link", "set", device, "up")
        self.inside(other, "ip", "link", "set", other_device, "up")

    def plug(self, name: str, address: str, switch: str, device: str = "eth0") -> None:
        """Connect a namespace to a switch, whose port is named like it."""
        self.cable(name, device, switch, name)
        self.inside(switch, "ip", "link", "set", name, "master", "br0")
        self.inside(name, "ip", "addr", "add", f"{address}/24", "dev", device)

    @contextlib.contextmanager
    def fault(self, name: str, rule: str, hook: str = "forward", family: str = "ip") -> Iterator[None]:
        """One nftables rule in one namespace, ahead of all others."""
        chain = f"chain c {{ type filter hook {hook} priority -350; {rule}; }}"
        self.inside(name, "nft", f"table {family} fault {{ {chain}; }}")
        try:
            yield
        finally:
            self.inside(name, "nft", "delete", "table", family, "fault")

    def close(self) -> None:
        for process in reversed(self.programs):
            if process.poll() is None:
                process.terminate()
        for process in self.programs:
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
        for name in self.names:
            run("ip", "netns", "del", self.prefix + name, check=False)
