"""A pod's program: ``serve`` takes in whatever comes, ``send ADDRESS SECONDS FLOWS`` prints the Mbit/s that arrived."""

from __future__ import annotations

import socket
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

PORT = 9100
CHUNK = 1 << 20


def serve() -> None:
    with socket.create_server(("0.0.0.0", PORT), backlog=64) as server:
        while True:
            connection, _caller = server.accept()
            threading.Thread(target=take, args=(connection,), daemon=True).start()


def take(connection: socket.socket) -> None:
    """Read to the end, then tell how many bytes that were."""
    buffer, total = bytearray(CHUNK), 0
    with connection:
        while count := connection.recv_into(buffer):
            total += count
        connection.sendall(str(total).encode())


def flow(address: str, seconds: float) -> int:
    """Send for some seconds; return how many bytes have arrived."""
    data = bytes(CHUNK)
    with socket.create_connection((address, PORT), timeout=20) as connection:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        return int(connection.recv(64))


def send(address: str, seconds: float, flows: int) -> None:
    with ThreadPoolExecutor(flows) as pool:
        began = time.monotonic()
        total = sum(pool.map(lambda _: flow(address, seconds), range(flows)))
    print(f"{total * 8 / 1e6 / (time.monotonic() - began):.1f}")


if sys.argv[1] == "serve":
    serve()
else:
    send(sys.argv[2], float(sys.argv[3]), int(sys.argv[4]))
