"""Questions to a DNS server: just enough of RFC 1035 and RFC 2782 to read what CoreDNS answers."""

from __future__ import annotations

import ipaddress
import socket
import struct

KINDS = {"A": 1, "AAAA": 28, "SRV": 33}
Answer = tuple[str, ...]
"""An address, or port and target of an SRV record."""


def ask(port: int, name: str, kind: str) -> list[Answer]:
    """Answers of the server at a port of loopback, in alphabetical order; none if there is no such name.

    :raises OSError: it does not answer, or with another fault than that.
    """
    labels = b"".join(bytes([len(part)]) + part.encode() for part in name.split("."))
    question = struct.pack(">6H", 1, 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack(">2H", KINDS[kind], 1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(2.0)
        sock.connect(("127.0.0.1", port))
        sock.send(question)
        answer = sock.recv(65535)
    _id, flags, _questions, count = struct.unpack(">4H", answer[:8])
    if flags & 0xF not in (0, 3):  # 3 is: no such name
        raise OSError(f"{name}: the server answers with code {flags & 0xF}")
    place, found = len(question), []
    for _number in range(count):
        _owner, place = _name(answer, place)
        given, _class, _ttl, length = struct.unpack(">2HIH", answer[place : place + 10])
        place += 10
        if given == KINDS[kind]:
            found.append(_value(answer, place, length, kind))
        place += length
    return sorted(found)


def _value(answer: bytes, place: int, length: int, kind: str) -> Answer:
    if kind != "SRV":
        return (str(ipaddress.ip_address(answer[place : place + length])),)
    _priority, _weight, port = struct.unpack(">3H", answer[place : place + 6])
    return str(port), _name(answer, place + 6)[0]


def _name(answer: bytes, place: int) -> tuple[str, int]:
    """A name, which may go on elsewhere, and the place behind it."""
    parts: list[str] = []
    while size := answer[place]:
        if size >= 0xC0:
            where = struct.unpack(">H", answer[place : place + 2])[0] & 0x3FFF
            return ".".join([*parts, _name(answer, where)[0]]), place + 2
        parts.append(answer[place + 1 : place + 1 + size].decode())
        place += 1 + size
    return ".".join(parts), place + 1
