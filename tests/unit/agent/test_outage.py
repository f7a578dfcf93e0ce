# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An outage drops what it should, is over at its deadline, at SIGTERM and after SIGKILL, and takes no free text."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from clusterset_agent.outage import TABLE, Outage, count, parse, render

AGENT = Path(__file__).parents[3] / "agent"
PORT = 14789


def test_the_command_line_is_an_outage() -> None:
    assert parse(["--seconds", "5", "--forwarded", "10.1.0.0/16", "10.2.0.0/16"]) == Outage(
        5, ("10.1.0.0/16", "10.2.0.0/16")
    )
    assert parse(["--seconds", "5", "--ports", "14788", "--remotes", "192.0.2.1"]) == Outage(
        5, ports=(14788,), remotes=("192.0.2.1",)
    )


@pytest.mark.parametrize(
    "line",
    [
        "--seconds 5",
        "--seconds 61 --ports 1",
        "--seconds 0 --ports 1",
        "--seconds x --ports 1",
        "--seconds 5 --ports 0",
        "--seconds 5 --ports 70000",
        "--seconds 5 --remotes 192.0.2.1",
        "--seconds 5 --ports 1 --remotes host.example",
        "--seconds 5 --forwarded 10.0.0.0/8;drop",
        "--seconds 5 --cut fd00::/8",
    ],
)
def test_nonsense_is_refused(line: str) -> None:
    with pytest.raises(SystemExit):
        parse(line.split())


def test_rules_ask_sets_that_time_out_and_hook_only_where_needed() -> None:
    text = render(Outage(5, ports=(14788, 14800), remotes=("192.0.2.1",)))
    assert "elements = { 14788 timeout 7s, 14800 timeout 7s }" in text
    assert "ip saddr @remotes udp dport @ports counter name dropped drop" in text
    assert "ip daddr @remotes udp sport @ports counter name dropped drop" in text
    assert "hook forward" not in text
    assert "hook prerouting" not in text
    assert "hook input" not in render(Outage(5, forwarded=("10.1.0.0/16",)))


def test_overlapping_ranges_become_one() -> None:
    text = render(Outage(5, forwarded=("10.1.0.0/16", "10.1.2.0/24", "10.0.0.0/16")))
    assert "elements = { 10.0.0.0/15 timeout 7s }" in text


def test_a_counter_is_read_from_its_listing() -> None:
    assert count("table ip x {\n  counter dropped {\n    packets 17 bytes 1\n  }\n}") == 17
    assert count("") == 0


@pytest.fixture
def space() -> Iterator[str]:
    """A network namespace of its own."""
    name = f"fo{os.getpid()}"
    if os.geteuid() or subprocess.run(["ip", "netns", "add", name], capture_output=True, check=False).returncode:
        pytest.skip("needs root and the right to make network namespaces")
    try:
        subprocess.run(["ip", "-n", name, "link", "set", "lo", "up"], check=True)
        yield name
    finally:
        subprocess.run(["ip", "netns", "delete", name], check=True)


def started(space: str, *arguments: str) -> subprocess.Popen[bytes]:
    command = ["ip", "netns", "exec", space, sys.executable, "-m", "clusterset_agent.outage", *arguments]
    return subprocess.Popen(command, env={**os.environ, "PYTHONPATH": str(AGENT)})


def within(space: str, *command: str) -> tuple[int, str]:
    done = subprocess.run(["ip", "netns", "exec", space, *command], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout


def stands(space: str) -> bool:
    return within(space, "nft", "list", "table", "ip", TABLE)[0] == 0


def passes(space: str) -> bool:
    """Whether a datagram to the port comes through the loopback device."""
    talk = f"""
import socket
a, b = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
a.bind(("127.0.0.1", {PORT})); a.settimeout(0.5); b.sendto(b"x", ("127.0.0.1", {PORT})); a.recv(9)
"""
    return within(space, sys.executable, "-c", talk)[0] == 0


def until(space: str, wanted: bool) -> None:
    end = time.monotonic() + 10
    while stands(space) is not wanted:
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.mark.root
def test_an_outage_ends_at_its_deadline(space: str) -> None:
    program = started(space, "--seconds", "2", "--ports", str(PORT))
    until(space, True)
    assert not passes(space)
    assert program.wait(10) == 0
    assert not stands(space)
    assert passes(space)


@pytest.mark.root
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_outage_ends_when_told_to(space: str, number: signal.Signals) -> None:
    program = started(space, "--seconds", "60", "--cut", "127.0.0.0/8")
    until(space, True)
    assert not passes(space)
    program.send_signal(number)
    assert program.wait(10) == 0
    assert not stands(space)


@pytest.mark.root
def test_a_killed_outage_drops_nothing_after_its_deadline_and_the_next_takes_its_place(space: str) -> None:
    program = started(space, "--seconds", "1", "--ports", str(PORT))
    until(space, True)
    program.kill()
    program.wait(10)
    assert not passes(space)
    time.sleep(3.5)
    assert stands(space)
    assert passes(space)
    assert started(space, "--seconds", "1", "--forwarded", "10.0.0.0/8").wait(10) == 0
    assert not stands(space)
