# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""News of network devices from the kernel: the network plugin may make its devices anew at any time."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable, Iterator

_RTMGRP_LINK = 1


@contextlib.contextmanager
def device_events(happened: Callable[[], None]) -> Iterator[None]:
    """Call ``happened`` whenever a device comes, goes or changes, as long as the context lasts."""
    loop = asyncio.get_running_loop()
    channel = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
    channel.setblocking(False)
    channel.bind((0, _RTMGRP_LINK))

    def drain() -> None:
        # what the messages say does not matter: a pass looks at everything, and an overrun is news too
        try:
            while channel.recv(65536):
                pass
        except OSError:
            pass
        happened()

    loop.add_reader(channel.fileno(), drain)
    try:
        yield
    finally:
        loop.remove_reader(channel.fileno())
        channel.close()
