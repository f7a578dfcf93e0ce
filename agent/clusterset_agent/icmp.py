# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ICMP echo: answered by the other node's kernel, so that a restart of its agent does not look like its death."""

from __future__ import annotations

import os
import socket
import struct
import time
from collections import OrderedDict
from typing import NamedTuple

_REQUEST, _REPLY = 8, 0
_SOL_RAW, _ICMP_FILTER = 255, 1
_IP_MTU_DISCOVER, _PROBE = 10, 3
_HEADER = struct.Struct("!BBHHH")
_TOKEN_BYTES = 8
_REMEMBERED = 4096
HEADERS = 28
"""Bytes of the IPv4 and ICMP headers."""


class Answer(NamedTuple):
    """One answer: who sent it, the round trip in seconds, the size of the packet with its headers in bytes."""

    address: str
    round_trip: float
    size: int


class Echo:
    """One raw socket for many probes. Answers of other programs' probes are told apart by a token.

    :meth:`prepare` makes a request, which may then be sent to any number of addresses: making one for each would be
    most of the work where there are hundreds.

    :param fragment: False for packets that pass whole or not at all, whatever the kernel believes of the path.
    """

    def __init__(self, *, fragment: bool = True) -> None:
        self._token = os.urandom(_TOKEN_BYTES)
        self._identifier = int.from_bytes(os.urandom(2), "big")
        self._sequence = 0
        self._packet = b""
        self._sent: OrderedDict[int, float] = OrderedDict()
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
        self.socket.setblocking(False)
        if not fragment:
            self.socket.setsockopt(socket.IPPROTO_IP, _IP_MTU_DISCOVER, _PROBE)
        # let the kernel drop everything but answers
        self.socket.setsockopt(_SOL_RAW, _ICMP_FILTER, struct.pack("@I", 0xFFFFFFFF & ~(1 << _REPLY)))

    def prepare(self, payload_bytes: int = 0) -> None:
        """Make the next request, filled up to a payload of this size; its time runs from now."""
        self._sequence = (self._sequence + 1) & 0xFFFF
        payload = self._token.ljust(payload_bytes, b"\0")
        empty = _HEADER.pack(_REQUEST, 0, 0, self._identifier, self._sequence)
        header = _HEADER.pack(_REQUEST, 0, checksum(empty + payload), self._identifier, self._sequence)
        self._packet = header + payload
        self._sent[self._sequence] = time.monotonic()
        self._sent.move_to_end(self._sequence)
        if len(self._sent) > _REMEMBERED:
            self._sent.popitem(last=False)

    def send(self, address: str) -> bool:
        """Send the prepared request; False if the kernel refuses it (no route, no device, too large)."""
        try:
            self.socket.sendto(self._packet, (address, 0))
        except OSError:
            return False
        return True

    def receive(self) -> list[Answer]:
        """Return all answers that have arrived."""
        answers: list[Answer] = []
        while True:
            try:
                packet, (address, _port) = self.socket.recvfrom(65536)
            except OSError:
                return answers
            sent = self.parse(packet)
            if sent is not None:
                answers.append(Answer(address, max(0.0, time.monotonic() - sent), len(packet)))

    def parse(self, packet: bytes) -> float | None:
        """Return the time at which we sent the request that this packet answers, or None if it was not ours."""
        start = (packet[0] & 0x0F) * 4 if packet else 0
        token = start + _HEADER.size
        if packet[token : token + _TOKEN_BYTES] != self._token:
            return None
        kind, _code, _checksum, identifier, sequence = _HEADER.unpack_from(packet, start)
        return self._sent.get(sequence) if (kind, identifier) == (_REPLY, self._identifier) else None

    def close(self) -> None:
        """Close the socket."""
        self.socket.close()


def checksum(data: bytes) -> int:
    """Return the Internet checksum (RFC 1071)."""
    if len(data) % 2:
        data += b"\0"
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total >> 16) + (total & 0xFFFF)
    total += total >> 16
    return ~total & 0xFFFF
