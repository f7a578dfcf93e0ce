"""Makes the API servers of a walled-off lab reachable from the machine itself, under the addresses of the kubeconfig.

`python -m tests.lab.relay NAMESPACE-FILE PORT...`: listens on 127.0.0.1:PORT here, connects to 127.0.0.1:PORT there.
Only what comes in is relayed; nothing in the lab gets a way out.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import socket
import struct
import sys
from functools import partial

_CLONE_NEWNET = 0x40000000
_CHUNK = 256 * 1024


def listeners(ports: list[int]) -> list[socket.socket]:
    """Listening sockets in the network namespace of the moment; they stay in it."""
    return [socket.create_server(("127.0.0.1", port), reuse_port=False, backlog=1024) for port in ports]


def enter(namespace: str) -> None:
    """Moves this process into a network namespace: sockets made from now on belong there."""
    libc = ctypes.CDLL(None, use_errno=True)
    descriptor = os.open(namespace, os.O_RDONLY)
    try:
        if libc.setns(descriptor, _CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), f"cannot enter {namespace}")
    finally:
        os.close(descriptor)


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(_CHUNK):
        writer.write(data)
        await writer.drain()
    writer.write_eof()


def _reset(writer: asyncio.StreamWriter) -> None:
    """Ends a connection by a reset: a cluster that is down must look down, not like a server with nothing to say."""
    with contextlib.suppress(OSError):
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def _relay(port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    far_writer = None
    try:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port, limit=_CHUNK)
        await asyncio.gather(_copy(reader, far_writer), _copy(far_reader, writer))
    except OSError:
        _reset(writer)
    finally:
        writer.close()
        if far_writer:
            far_writer.close()


async def serve(sockets: list[socket.socket]) -> None:
    """Relays every connection on the sockets, for ever."""
    servers = []
    for one in sockets:
        port: int = one.getsockname()[1]
        servers.append(await asyncio.start_server(partial(_relay, port), sock=one, limit=_CHUNK))
    await asyncio.gather(*(server.serve_forever() for server in servers))


def main(arguments: list[str]) -> None:
    sockets = listeners([int(port) for port in arguments[1:]])
    enter(arguments[0])
    asyncio.run(serve(sockets))


if __name__ == "__main__":
    main(sys.argv[1:])
