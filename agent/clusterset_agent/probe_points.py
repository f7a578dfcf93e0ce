# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Addresses that exist to be probed: the last 144 of a cluster's tunnel range, derived alike by everybody.

Each has one way that leads to it, so an answer says that this way carries packets:

- ``here`` is held by a gateway, one for each slot: it answers what came through that slot's link.
- ``beyond`` is held by the gateway's successor: it answers only what the gateway itself has forwarded.
- ``anywhere`` is held by all gateways, one for each gateway of the asking cluster: a node asks through that gateway.
"""

from __future__ import annotations

import ipaddress

from .names import SLOTS

RESERVED = 144
_HERE, _BEYOND, _ANYWHERE = 64, 128, 144
"""Distances of the three blocks from the end of the range."""


def may_be_held(address: ipaddress.IPv4Address, network: ipaddress.IPv4Network) -> bool:
    """Whether a node may hold the address: it is in the range, and not among those that exist to be probed."""
    return address in network and int(network.broadcast_address) - int(address) >= RESERVED


def here(tunnel: str, ordinal: int, slot: int) -> str:
    """Return the address of a gateway that is reached by the link of this slot only."""
    return _address(tunnel, _HERE, SLOTS * ordinal + slot)


def beyond(tunnel: str, ordinal: int, slot: int) -> str:
    """Return the address behind a gateway, reached by the link of this slot and then by the gateway only."""
    return _address(tunnel, _BEYOND, SLOTS * ordinal + slot)


def anywhere(tunnel: str, ordinal: int) -> str:
    """Return the address that a node asks through gateway ``ordinal`` of its own cluster."""
    return _address(tunnel, _ANYWHERE, ordinal)


def here_block(tunnel: str, ordinal: int) -> str:
    """Return the network of all of a gateway's own probe addresses."""
    return f"{here(tunnel, ordinal, 0)}/30"


def beyond_block(tunnel: str, ordinal: int) -> str:
    """Return the network of all addresses behind a gateway."""
    return f"{beyond(tunnel, ordinal, 0)}/30"


def anywhere_block(tunnel: str) -> str:
    """Return the network of the addresses that all gateways hold."""
    return f"{anywhere(tunnel, 0)}/28"


def link_blocks(tunnel: str) -> tuple[str, str]:
    """Return the networks of all addresses that are reached by one link only."""
    return f"{here(tunnel, 0, 0)}/26", f"{beyond(tunnel, 0, 0)}/26"


def blocks(tunnel: str) -> tuple[str, ...]:
    """Return the reserved part of the range as networks."""
    return *link_blocks(tunnel), anywhere_block(tunnel)


def _address(tunnel: str, distance: int, offset: int) -> str:
    network = ipaddress.IPv4Network(tunnel)
    return str(network[network.num_addresses - distance + offset])
