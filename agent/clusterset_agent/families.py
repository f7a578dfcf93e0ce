# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The two address families, and the IPv6 addresses that everybody derives alike from IPv4 ones."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

IPV4, IPV6 = 4, 6
MAPPED = ipaddress.IPv6Network("fd0f:ab1c:5e70::/96")
"""Each IPv4 tunnel address stands for the IPv6 address with the same last 32 bits in here."""


def family_of(text: str) -> int:
    """Return the family of an address or a network."""
    return IPV6 if ":" in text else IPV4


def only(family: int, texts: Iterable[str]) -> tuple[str, ...]:
    """Return the addresses or networks of one family."""
    return tuple(text for text in texts if family_of(text) == family)


def held(tunnel: str, family: int) -> str:
    """Return a tunnel address, or a tunnel range, in a family; it is given in IPv4."""
    if family == IPV4:
        return tunnel
    network = ipaddress.IPv4Network(tunnel)
    address = MAPPED[int(network.network_address)]
    return f"{address}/{96 + network.prefixlen}" if "/" in tunnel else str(address)


def is_mapped(address: str) -> bool:
    """Whether an IPv6 address is one of ours."""
    return ipaddress.IPv6Address(address) in MAPPED


def link_local(mac: str) -> str:
    """Return the link-local address of a device with this hardware address, as RFC 4291 derives it."""
    one, two, three, *rest = (int(byte, 16) for byte in mac.split(":"))
    identifier = bytes((one ^ 2, two, three, 0xFF, 0xFE, *rest))
    return str(ipaddress.IPv6Address(b"\xfe\x80" + bytes(6) + identifier))
