# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What both ends of a check agree on: ports, limits, the greeting, and how an address is written.

Stream (TCP 9000): the server greets with one JSON line `{"from": name, "source": address}`, where `source` is the
peer's address as the server sees it. Then it obeys one-line commands: `ping`, `take N` (it receives N bytes, answers a
line), `give N` (it sends N bytes).
Datagram (UDP 9000): the answer is a JSON object with `from`, `source`, `length` and the sender's `token`, padded with
blanks to the length of the question, so that a large question gets a large answer.
"""

from __future__ import annotations

import ipaddress
import json
import socket
from pathlib import Path
from typing import Any

CONTROL_PORT = 8080
ECHO_PORT = 9000
BULK_LIMIT = 16 * 1024 * 1024  # bytes one `take` or `give` may ask for
LINE_LIMIT = 4096
CHUNK = 64 * 1024
BUFFER_BYTES = 4 * 1024 * 1024  # what a datagram socket asks for; the kernel gives what it may
TOKEN_BYTES = 16  # a datagram begins with so many bytes that come back in the answer


def plain_address(address: str) -> str:
    """An address in its shortest spelling; an IPv4 address mapped into IPv6 comes back as IPv4, zones are dropped."""
    parsed = ipaddress.ip_address(address.partition("%")[0])
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    return str(mapped or parsed)


def family_of(address: str) -> socket.AddressFamily:
    """The socket family of an address in text."""
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def line(message: dict[str, Any]) -> bytes:
    """A message as one line of JSON."""
    return json.dumps(message, separators=(",", ":")).encode() + b"\n"


def answer_to(question: bytes, name: str, source: str) -> bytes:
    """The datagram that answers `question` of the peer at `source`, at least as long as the question."""
    message = {
        "from": name,
        "source": plain_address(source),
        "length": len(question),
        "token": question[:TOKEN_BYTES].decode("ascii", "replace"),
    }
    return line(message).ljust(len(question))


def listening(kind: socket.SocketKind, port: int) -> socket.socket:
    """A socket of `kind` on every address of the pod: IPv6 and IPv4 at once, or IPv4 where the kernel has no IPv6."""
    try:
        listener = socket.socket(socket.AF_INET6, kind)
        try:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
            return _bound(listener, "::", port)
        except OSError:
            listener.close()
            raise
    except OSError:
        return _bound(socket.socket(socket.AF_INET, kind), "0.0.0.0", port)


def unread(processes: Path = Path("/proc")) -> int:
    """How many datagrams this pod had no room for so far, since it had no processor to read them: its own fault."""
    rows = [row.split() for row in (processes / "net/snmp").read_text().splitlines() if row.startswith("Udp:")]
    total = int(dict(zip(*rows, strict=True))["RcvbufErrors"])
    newer = processes / "net/snmp6"  # absent where the kernel has no IPv6
    for row in newer.read_text().splitlines() if newer.exists() else ():
        name, number = row.split()
        total += int(number) if name == "Udp6RcvbufErrors" else 0
    return total


def _bound(listener: socket.socket, address: str, port: int) -> socket.socket:
    if listener.type == socket.SOCK_STREAM:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    else:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
    listener.bind((address, port))
    listener.setblocking(False)
    return listener
