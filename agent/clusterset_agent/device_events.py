# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""News from the kernel: devices that matter come, go or change, and settings of devices are written."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import Callable, Iterator

_ADD_MEMBERSHIP = 1
_SOL_NETLINK = 270
_LINKS, _SETTINGS = 1, 24
"""Groups of rtnetlink: RTNLGRP_LINK and RTNLGRP_IPV4_NETCONF."""
_MESSAGE = struct.Struct("=IHHII")
_LINK_HEADER = 16
_ATTRIBUTE = struct.Struct("=HH")
_IFLA_IFNAME = 3


@contextlib.contextmanager
def device_events(
    device: Callable[[], None], setting: Callable[[], None], matters: Callable[[str], bool]
) -> Iterator[None]:
    """Call ``device`` when a device that matters changes, ``setting`` when somebody writes a device's settings.

    :param matters: told a device's name; each pod's own device comes and goes, and none of them matters.
    """

    def devices(data: bytes | None) -> None:
        if data is None or any(matters(name) for name in names(data)):
            device()

    with _listening(_LINKS, devices), _listening(_SETTINGS, lambda _data: setting()):
        yield


@contextlib.contextmanager
def _listening(group: int, heard: Callable[[bytes | None], None]) -> Iterator[None]:
    """Call ``heard`` with each message of the group, or with None when some were lost."""
    loop = asyncio.get_running_loop()
    channel = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
    channel.setblocking(False)
    channel.bind((0, 0))
    channel.setsockopt(_SOL_NETLINK, _ADD_MEMBERSHIP, group)

    def drain() -> None:
        with contextlib.suppress(BlockingIOError):
            while True:
                try:
                    data = channel.recv(65536)
                except BlockingIOError:
                    raise
                except OSError:
                    heard(None)
                else:
                    heard(data)

    loop.add_reader(channel.fileno(), drain)
    try:
        yield
    finally:
        loop.remove_reader(channel.fileno())
        channel.close()


def names(data: bytes) -> Iterator[str]:
    """Yield the names of the devices that a message of rtnetlink tells of."""
    offset = 0
    while offset + _MESSAGE.size <= len(data):
        length = _MESSAGE.unpack_from(data, offset)[0]
        if length < _MESSAGE.size:
            return
        yield from _names_in(data[offset + _MESSAGE.size + _LINK_HEADER : offset + length])
        offset += _aligned(length)


def _names_in(attributes: bytes) -> Iterator[str]:
    offset = 0
    while offset + _ATTRIBUTE.size <= len(attributes):
        length, kind = _ATTRIBUTE.unpack_from(attributes, offset)
        if length < _ATTRIBUTE.size:
            return
        if kind == _IFLA_IFNAME:
            yield attributes[offset + _ATTRIBUTE.size : offset + length].rstrip(b"\0").decode(errors="replace")
        offset += _aligned(length)


def _aligned(length: int) -> int:
    return (length + 3) & ~3
