# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A pod's program: ``serve`` answers each datagram with its sender's address, ``call ADDRESS SECONDS`` counts."""

from __future__ import annotations

import socket
import sys
import time

PORT = 9000


def serve() -> None:
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("0.0.0.0", PORT))
    while True:
        data, sender = server.recvfrom(65536)
        server.sendto(sender[0].encode() + b" " + data[:32], sender)


def call(address: str, seconds: float) -> None:
    """Send a datagram each 10 ms; print the address seen by the server, answers and the longest gap in seconds."""
    client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    client.settimeout(0.01)
    seen, answers, gap = "", 0, 0.0
    began = last = time.monotonic()
    while time.monotonic() - began < seconds:
        try:
            client.sendto(b"?", (address, PORT))
            seen = client.recv(65536).decode().split()[0]
        except OSError:
            time.sleep(0.005)
        else:
            answers += 1
            gap, last = max(gap, time.monotonic() - last), time.monotonic()
            time.sleep(0.01)
    print(seen or "-", answers, f"{max(gap, time.monotonic() - last):.3f}")


if sys.argv[1] == "serve":
    serve()
else:
    call(sys.argv[2], float(sys.argv[3]))
