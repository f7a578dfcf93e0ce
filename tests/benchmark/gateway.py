# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What one gateway's agent costs with many peers: ``python -m tests.benchmark.gateway``, as root.

The peers are simulated: a second network namespace answers the probes of all of them. Each has two gateways.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PREFIX = f"bench{os.getpid()}-"
GATEWAY, WORLD = "192.0.2.1", "192.0.2.2"
FIRST_INDEX = 64  # tunnel ranges 10.249.0.0 and up, so that the gateway's own is apart
COUNTS = (25, 50, 100)
SETTLE_SECONDS, IDLE_SECONDS = 90.0, 20.0


def run(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout


def inside(name: str, *command: str) -> str:
    return run("ip", "netns", "exec", PREFIX + name, *command)


@contextmanager
def namespaces() -> Iterator[None]:
    """A gateway and a world that answers for every peer."""
    try:
        for name in ("gateway", "world"):
            run("ip", "netns", "add", PREFIX + name)
            inside(name, "ip", "link", "set", "lo", "up")
        veth = ("ip", "link", "add", "eth0", "type", "veth", "peer", "name", "eth0")
        inside("world", *veth, "netns", PREFIX + "gateway")
        for name, address in (("gateway", GATEWAY), ("world", WORLD)):
            inside(name, "ip", "link", "set", "eth0", "up")
            inside(name, "ip", "addr", "add", f"{address}/24", "dev", "eth0")
            inside(name, "sysctl", "-qw", "net.ipv4.ip_forward=1")
        for network in ("10.249.0.0/16", "10.250.0.0/16"):
            inside("world", "ip", "route", "add", "local", network, "dev", "lo")
        inside("world", "ip", "route", "add", "10.248.0.0/22", "via", GATEWAY)
        yield
    finally:
        for name in ("gateway", "world"):
            subprocess.run(("ip", "netns", "del", PREFIX + name), check=False, capture_output=True)


def memory(peers: int, driver: str) -> dict[str, Any]:
    """What the agent finds on its disk."""
    return {
        "fabric": _cluster(0) | {"gateways": [{"node": "gateway", "ordinal": 0}], "underlayMTU": 1500},
        "peers": [_peer(FIRST_INDEX + number, driver) for number in range(peers)],
        "addresses": {"10.248.0.1": {"node": "gateway", "underlayAddress": GATEWAY}},
    }


def _tunnel(index: int) -> str:
    return f"10.{248 + index // 64}.{index % 64 * 4}"


def _cluster(index: int) -> dict[str, Any]:
    return {
        "clusterID": f"cluster-{index}",
        "index": index,
        "podCIDRs": [f"11.{index}.0.0/16"],
        "serviceCIDRs": [f"12.{index}.0.0/16"],
        "tunnelCIDR": f"{_tunnel(index)}.0/22",
        "state": "Active",
    }


def _peer(index: int, driver: str) -> dict[str, Any]:
    gateways = [
        {"node": f"g{o}", "ordinal": o, "endpoint": WORLD, "tunnelAddress": f"{_tunnel(index)}.{o + 1}", "keys": []}
        for o in (0, 1)
    ]
    return _cluster(index) | {"links": [{"driver": driver, "cost": 100, "mtu": 1420}], "gateways": gateways}


@contextmanager
def agent(folder: Path, peers: int, driver: str) -> Iterator[int]:
    """The agent's process id, from its start to its undoing."""
    for part in ("run", "state"):
        (folder / part).mkdir(parents=True)
    (folder / "run/state.json").write_text(json.dumps(memory(peers, driver)))
    environment = {
        **os.environ,
        "PYTHONPATH": f"{ROOT / 'agent'}:{ROOT / '.build/collections'}",
        "NODE_NAME": "gateway",
        "NODE_ADDRESS": GATEWAY,
        "FABRIC_STATE_DIR": str(folder / "state"),
        "FABRIC_RUN_DIR": str(folder / "run"),
        "FABRIC_SYSCTL_DIR": "/proc/sys/net",
    }
    command = ("ip", "netns", "exec", PREFIX + "gateway", sys.executable, "-m", "clusterset_agent")
    log = (folder / "log").open("wb")
    process = subprocess.Popen((*command, "node"), env=environment, stdout=log, stderr=log)
    try:
        yield process.pid
    finally:
        process.terminate()
        process.wait(20)
        subprocess.run((*command, "undo"), env=environment, stdout=log, stderr=log, check=True, timeout=120)


def cpu_seconds(process: int) -> float:
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def mebibytes(process: int) -> float:
    status = Path(f"/proc/{process}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


def measure(peers: int, driver: str) -> tuple[float, float, float]:
    """Seconds until all is programmed, percent of a core when idle, MiB."""
    with tempfile.TemporaryDirectory() as folder, agent(Path(folder) / "agent", peers, driver) as process:
        started = time.monotonic()
        while f"11.{FIRST_INDEX + peers - 1}.0.0/16" not in inside("gateway", "ip", "route", "show", "proto", "111"):
            if time.monotonic() - started > SETTLE_SECONDS:
                raise SystemExit(f"{peers} peers were not programmed within {SETTLE_SECONDS:.0f} s")
            time.sleep(0.1)
        programmed = time.monotonic() - started
        time.sleep(10)  # the first looks at each link's size are over
        before = cpu_seconds(process)
        time.sleep(IDLE_SECONDS)
        idle = (cpu_seconds(process) - before) / IDLE_SECONDS * 100
        return programmed, idle, mebibytes(process)


def main() -> None:
    """Print one row for each driver and number of peers."""
    print(f"{'driver':10}{'peers':>6}{'links':>7}{'programmed s':>14}{'idle % of a core':>18}{'MiB':>7}")
    with namespaces():
        for driver in ("vxlan", "direct"):
            for peers in COUNTS:
                programmed, idle, size = measure(peers, driver)
                print(f"{driver:10}{peers:>6}{2 * peers:>7}{programmed:>14.1f}{idle:>18.2f}{size:>7.0f}", flush=True)


if __name__ == "__main__":
    main()
