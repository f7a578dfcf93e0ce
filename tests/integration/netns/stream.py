# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A pod's program: ``serve`` tells each caller its address, ``call ADDRESS SECONDS`` counts answers to datagrams
until the time or its input is over, ``connect ADDRESS TIMES`` opens TCP connections, ``segment
ADDRESS`` prints how much a TCP segment carries. On a node: ``get URL`` prints the status of a page and its text.
"""

from __future__ import annotations

import contextlib
import select
import socket
import sys
import threading
import time
import urllib.error
import urllib.request

PORT = 9000


def serve() -> None:
    for work in (serve_tcp, serve_udp):
        for address in ("0.0.0.0", "::"):
            threading.Thread(target=work, args=(address,), daemon=True).start()
    threading.Event().wait()


def opened(address: str, kind: socket.SocketKind) -> socket.socket:
    """A socket of the family of an address; one for IPv6 leaves IPv4 to the other."""
    found = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, kind)
    if ":" in address:
        found.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    return found


def serve_udp(address: str) -> None:
    server = opened(address, socket.SOCK_DGRAM)
    server.bind((address, PORT))
    while True:
        data, sender = server.recvfrom(65536)
        server.sendto(sender[0].encode() + b" " + data[:32], sender)


def serve_tcp(address: str) -> None:
    with opened(address, socket.SOCK_STREAM) as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind((address, PORT))
        server.listen()
        while True:
            connection, caller = server.accept()
            with connection:
                connection.sendall(caller[0].encode())


def connect(address: str, times: int) -> None:
    """Open connections from different ports; print the distinct addresses that the server saw, ``-`` for a failure."""
    seen = set()
    for _attempt in range(times):
        try:
            with socket.create_connection((address, PORT), timeout=0.8) as connection:
                seen.add(connection.recv(64).decode())
        except OSError:
            seen.add("-")
    print(*sorted(seen))


def segment(address: str) -> None:
    """Print the size of segments, in bytes with their headers, of a connection as it begins."""
    with socket.create_connection((address, PORT), timeout=2) as connection:
        timestamps, headers = 12, 60 if ":" in address else 40
        print(connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG) + timestamps + headers)


def call(address: str, seconds: float) -> None:
    """Send a numbered datagram each 10 ms; print the address that the server saw, how many were sent and lost, and
    the longest time between two answers in seconds.
    """
    client = opened(address, socket.SOCK_DGRAM)
    last = due = time.monotonic()
    end = last + seconds
    over = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), over.set()), daemon=True).start()
    sent, answered, seen, gap = 0, set(), "", 0.0
    while (now := time.monotonic()) < end + 0.5:
        end = min(end, now) if over.is_set() else end
        if now >= due and now < end:
            with contextlib.suppress(OSError):
                client.sendto(b"%d" % sent, (address, PORT))
            sent, due = sent + 1, due + 0.01
        if select.select([client], [], [], 0.002)[0]:
            try:
                seen, number = client.recv(65536).decode().split()
            except OSError:
                continue
            answered.add(number)
            gap, last = max(gap, time.monotonic() - last), time.monotonic()
    gap = max(gap, end - last)  # a stream that never came back has no last answer to count from
    print(seen or "-", sent, sent - len(answered), f"{gap:.3f}")


def get(url: str) -> None:
    try:
        with urllib.request.urlopen(url, timeout=5) as page:
            print(page.status, page.read().decode(), sep="\n")
    except urllib.error.HTTPError as error:
        print(error.code, error.read().decode(), sep="\n")
    except OSError:
        print(0)


if sys.argv[1] == "serve":
    serve()
elif sys.argv[1] == "segment":
    segment(sys.argv[2])
elif sys.argv[1] == "get":
    get(sys.argv[2])
elif sys.argv[1] == "connect":
    connect(sys.argv[2], int(sys.argv[3]))
else:
    call(sys.argv[2], float(sys.argv[3]))
