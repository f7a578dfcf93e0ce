# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names and numbers that both ends of a link, or all nodes of a cluster, derive alike."""

from __future__ import annotations

import hashlib
import ipaddress

OVERLAY = "fab0"
LINK_PREFIX = "wgf-"
TABLE = "clusterset_fabric"
PROTOCOL = 111
"""Protocol number of every route of ours, by which they are found again."""

_FIRST_VNI = 4000
_GATEWAYS_PER_CLUSTER = 16


def link_interface(peer: str, remote_node: str) -> str:
    """Return the name of the interface towards one gateway of a peer."""
    digest = hashlib.sha256(f"{peer}/{remote_node}".encode()).hexdigest()
    return LINK_PREFIX + digest[:8]


def link_port(base: int, index: int, ordinal: int) -> int:
    """Return the port on which a gateway listens for the gateway ``ordinal`` of cluster ``index``."""
    return base + _GATEWAYS_PER_CLUSTER * index + ordinal


def overlay_mac(address: str) -> str:
    """Return the hardware address of the overlay device that carries this tunnel address."""
    packed = ipaddress.IPv4Address(address).packed
    return ":".join(f"{byte:02x}" for byte in b"\x0a\xfa" + packed)


def overlay_vni(index: int) -> int:
    """Return the VXLAN network identifier of a cluster."""
    return _FIRST_VNI + index
