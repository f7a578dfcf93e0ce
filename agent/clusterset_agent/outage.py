# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m clusterset_agent.outage``: drop chosen packets on this node for some seconds, for a rehearsal.

The rules are one nftables table of their own, which an earlier one of the same name gives way to. It goes at the
deadline or at SIGTERM. Should this process be killed, its rules match nothing any more soon after the deadline, since
each of them asks a set whose elements time out in the kernel.
"""

from __future__ import annotations

import argparse
import contextlib
import ipaddress
import json
import re
import signal
import sys
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from .faults import AgentError
from .programs import run

TABLE = "fabric_rehearsal"
LONGEST = 60
"""Seconds that an outage may last."""
SPARE = 2
"""Seconds after the deadline at which the kernel forgets what to drop."""
LAST_WORDS = Path("/dev/termination-log")
"""Where a container leaves a message for its pod's status."""


@dataclass(frozen=True)
class Outage:
    """What to drop. Ranges are IPv4 networks, remotes IPv4 addresses, all in text form.

    :ivar forwarded: ranges whose packets are not forwarded, from and to.
    :ivar cut: ranges whose packets are neither received, sent nor forwarded.
    :ivar ports: UDP ports of this node, or those that it sends to, that neither receive nor send.
    :ivar remotes: if there are any, the ports are cut towards these addresses only.
    """

    seconds: int
    forwarded: tuple[str, ...] = ()
    cut: tuple[str, ...] = ()
    ports: tuple[int, ...] = ()
    remotes: tuple[str, ...] = ()


def parse(arguments: list[str]) -> Outage:
    """Return the outage that the command line asks for; ends the process with a usage message if it asks nonsense."""
    parser = argparse.ArgumentParser(prog="clusterset_agent.outage", description=__doc__)
    parser.add_argument("--seconds", type=_seconds, required=True, help=f"1 to {LONGEST}")
    parser.add_argument("--forwarded", type=_network, nargs="+", default=[], metavar="RANGE")
    parser.add_argument("--cut", type=_network, nargs="+", default=[], metavar="RANGE")
    parser.add_argument("--ports", type=_port, nargs="+", default=[], metavar="PORT")
    parser.add_argument("--remotes", type=_address, nargs="+", default=[], metavar="ADDRESS")
    given = parser.parse_args(arguments)
    if not (given.forwarded or given.cut or given.ports):
        parser.error("nothing to drop: give --forwarded, --cut or --ports")
    return Outage(given.seconds, *(tuple(part) for part in (given.forwarded, given.cut, given.ports, given.remotes)))


def _seconds(text: str) -> int:
    return _between(text, 1, LONGEST)


def _port(text: str) -> int:
    return _between(text, 1, 65535)


def _between(text: str, least: int, most: int) -> int:
    number = int(text)
    if not least <= number <= most:
        raise ValueError(f"{number} is not from {least} to {most}")
    return number


def _network(text: str) -> str:
    return str(ipaddress.IPv4Network(text))


def _address(text: str) -> str:
    return str(ipaddress.IPv4Address(text))


def render(outage: Outage) -> str:
    """Return the table as nft reads it; it takes the place of one that is there."""
    blocks = [f"table ip {TABLE} {{ }}", f"delete table ip {TABLE}", f"table ip {TABLE} {{", "  counter dropped { }"]
    blocks += _sets(outage)
    addressed = "ip {} @remotes " if outage.remotes else "{}"
    from_remote, to_remote = (addressed.format(word if outage.remotes else "") for word in ("saddr", "daddr"))
    forwarded = [f"ip {end} @forwarded" for end in ("saddr", "daddr") if outage.forwarded]
    cut = [f"ip {end} @cut" for end in ("saddr", "daddr") if outage.cut]
    received = [f"{from_remote}udp dport @ports"] if outage.ports else []
    sent = [f"{to_remote}udp {end} @ports" for end in ("sport", "dport") if outage.ports]
    blocks += _chain("arriving", "prerouting", cut)
    blocks += _chain("received", "input", received)
    blocks += _chain("passing", "forward", forwarded)
    blocks += _chain("sent", "output", sent + cut)
    return "\n".join([*blocks, "}", ""])


def _sets(outage: Outage) -> list[str]:
    timeout = f" timeout {outage.seconds + SPARE}s"
    sets = []
    for name, ranges in (("forwarded", outage.forwarded), ("cut", outage.cut)):
        if ranges:
            # overlapping intervals are refused by the kernel
            networks = ipaddress.collapse_addresses(ipaddress.IPv4Network(each) for each in ranges)
            sets.append(_set(name, "ipv4_addr", "flags interval, timeout; ", (f"{each}{timeout}" for each in networks)))
    if outage.ports:
        sets.append(_set("ports", "inet_service", "flags timeout; ", (f"{port}{timeout}" for port in outage.ports)))
    if outage.remotes:
        sets.append(_set("remotes", "ipv4_addr", "", outage.remotes))
    return sets


def _set(name: str, kind: str, flags: str, elements: Iterable[str]) -> str:
    return f"  set {name} {{ type {kind}; {flags}elements = {{ {', '.join(elements)} }}; }}"


def _chain(name: str, hook: str, matches: list[str]) -> list[str]:
    if not matches:
        return []
    rules = [f"    {match} counter name dropped drop" for match in matches]
    # before connection tracking, so that nothing of ours or of anybody's sees the packets
    return [f"  chain {name} {{", f"    type filter hook {hook} priority -300; policy accept;", *rules, "  }"]


def hold(outage: Outage, stop: threading.Event) -> int:
    """Keep the outage until its deadline or until ``stop``; return the number of dropped packets. AgentError."""
    run("nft", "-f", "-", text=render(outage))
    dropped = 0
    try:
        stop.wait(outage.seconds)
        dropped = count(run("nft", "list", "counter", "ip", TABLE, "dropped"))
    finally:
        remove()
    return dropped


def remove() -> None:
    """Take the table away; it may be gone already."""
    try:
        run("nft", "delete", "table", "ip", TABLE)
    except AgentError as error:
        if "No such file" not in str(error):
            raise


def count(listing: str) -> int:
    """Return the packets of a listed counter."""
    found = re.search(r"packets (\d+)", listing)
    return int(found[1]) if found else 0


def main() -> int:
    """Hold one outage; the pod's status tells afterwards how many packets it met."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    outage = parse(sys.argv[1:])
    try:
        _leave({"dropped": hold(outage, stop)})
    except AgentError as error:
        print(error, file=sys.stderr)  # noqa: T201
        _leave({"error": str(error)})
        return 1
    return 0


def _leave(words: Mapping[str, object]) -> None:
    with contextlib.suppress(OSError):
        LAST_WORDS.write_text(json.dumps(words), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
