# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names and numbers that both ends of a link, or all nodes of a cluster, derive alike."""

from __future__ import annotations

import hashlib
import ipaddress

OVERLAY = "fab0"
LINK_PREFIX = "fab-"
TABLE = "clusterset_fabric"
POLICY_TABLE = "clusterset_policy"
PROTOCOL = 111
"""Protocol number of every route of ours, by which they are found again."""

SLOTS = 4
"""Links that one pair of gateways can have at once: two by number, each in two generations of keys."""

_FIRST_VNI = 4000
_GATEWAYS_PER_CLUSTER = 16
_PORTS_PER_SLOT = 4096


def link_slot(number: int, generation: int) -> int:
    """Return the slot of a link: neither its other generation nor the pair's other link has the same."""
    return 2 * number + generation % 2


def link_name(driver: str, peer: str, remote_node: str, slot: int) -> str:
    """Return the name of a link towards one gateway of a peer, which is also that of its interface.

    The driver is part of it: another driver's device must not be taken for one's own.
    """
    digest = hashlib.sha256(f"{driver}/{peer}/{remote_node}/{slot}".encode()).hexdigest()
    return LINK_PREFIX + digest[:8]


def link_port(base: int, slot: int, index: int, ordinal: int) -> int:
    """Return the port on which a gateway listens for the gateway ``ordinal`` of cluster ``index``."""
    return base + _PORTS_PER_SLOT * slot + _GATEWAYS_PER_CLUSTER * index + ordinal


def link_vni(one: tuple[int, int], other: tuple[int, int]) -> int:
    """Return the VXLAN identifier of a link between two gateways, each given as cluster index and ordinal."""
    low, high = sorted(_GATEWAYS_PER_CLUSTER * index + ordinal for index, ordinal in (one, other))
    return (low << 12) | high


def overlay_mac(address: str) -> str:
    """Return the hardware address of the device of ours that carries this address."""
    packed = ipaddress.IPv4Address(address).packed
    return ":".join(f"{byte:02x}" for byte in b"\x0a\xfa" + packed)


def overlay_vni(index: int) -> int:
    """Return the VXLAN network identifier of a cluster."""
    return _FIRST_VNI + index
