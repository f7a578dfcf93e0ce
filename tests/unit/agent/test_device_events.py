# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kernel's messages about devices."""

from __future__ import annotations

import struct

from clusterset_agent.device_events import names


def message(name: str) -> bytes:
    """An RTM_NEWLINK with an MTU and a name."""
    text = name.encode() + b"\0"
    mtu = struct.pack("=HHI", 8, 4, 1500)
    label = struct.pack("=HH", 4 + len(text), 3) + text
    body = bytes(16) + mtu + label
    whole = struct.pack("=IHHII", 16 + len(body), 16, 0, 0, 0) + body
    return whole + bytes(-len(whole) % 4)


def test_names_of_several_messages() -> None:
    assert list(names(message("fab0") + message("veth12345") + message("flannel.1"))) == [
        "fab0",
        "veth12345",
        "flannel.1",
    ]


def test_what_cannot_be_read_has_no_names() -> None:
    assert list(names(b"")) == []
    assert list(names(bytes(16))) == []
    assert list(names(message("fab0")[:30])) == []
