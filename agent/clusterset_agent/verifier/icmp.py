# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ICMP echo without privileges: a datagram socket of protocol ICMP, which the kernel grants by group.

The pod's sysctl `net.ipv4.ping_group_range` must include its group; it covers IPv6 too.
"""

from __future__ import annotations

import asyncio
import os
import socket
import struct
import time

from . import wire

_REQUEST = {socket.AF_INET: 8, socket.AF_INET6: 128}
_REPLY = {socket.AF_INET: 0, socket.AF_INET6: 129}
_PROTOCOL = {socket.AF_INET: socket.IPPROTO_ICMP, socket.AF_INET6: socket.IPPROTO_ICMPV6}
_HEADER = struct.Struct("!BBHHH")  # type, code, checksum (the kernel's work), identifier (the same), sequence
PAYLOAD_BYTES = 56


async def ping(address: str, *, tries: int, seconds: float) -> list[float]:
    """Send `tries` echo requests one after another, waiting up to `seconds` for each answer.

    Returns the round trips in milliseconds, without the lost ones. PermissionError: the kernel refuses such sockets.
    OSError: no route.
    """
    family = wire.family_of(address)
    trips: list[float] = []
    with socket.socket(family, socket.SOCK_DGRAM, _PROTOCOL[family]) as sock:
        sock.setblocking(False)
        sock.connect((address, 0))
        for sequence in range(tries):
            trip = await _once(sock, family, sequence, seconds)
            if trip is not None:
                trips.append(trip)
    return trips


async def _once(sock: socket.socket, family: socket.AddressFamily, sequence: int, seconds: float) -> float | None:
    loop = asyncio.get_running_loop()
    token = os.urandom(PAYLOAD_BYTES)
    start = time.monotonic()
    try:
        async with asyncio.timeout(seconds):
            await loop.sock_sendall(sock, _HEADER.pack(_REQUEST[family], 0, 0, 0, sequence) + token)
            while True:
                answer = await loop.sock_recv(sock, 2048)
                # Late answers to earlier requests are told apart by their token.
                if answer[:1] == bytes([_REPLY[family]]) and answer[_HEADER.size :] == token:
                    return (time.monotonic() - start) * 1000
    except TimeoutError:
        return None
