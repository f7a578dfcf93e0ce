# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The other clusters' ranges as Calico sees them: pools without addresses to give, exempt from its masquerading."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from ipaddress import ip_network

from ...client.types import Object
from ...facts.ranges import REMOTE_POOL

_SMALLEST_BLOCK = {4: 26, 6: 122}  # Calico's default block sizes; a block cannot be larger than its pool


def calico_remote_pools(peers: Mapping[str, Iterable[str]]) -> list[Object]:
    """One disabled IPPool (projectcalico.org/v3) for each range of each peer.

    :param peers: cluster id -> its pod and service ranges.
    """
    return [_pool(peer, cidr) for peer in sorted(peers) for cidr in sorted(set(peers[peer]))]


def _pool(peer: str, cidr: str) -> Object:
    network = ip_network(cidr)
    return {
        "apiVersion": "projectcalico.org/v3",
        "kind": "IPPool",
        "metadata": {"name": _name(peer, cidr), "labels": {REMOTE_POOL: peer}},
        "spec": {
            "cidr": str(network),
            "blockSize": max(_SMALLEST_BLOCK[network.version], network.prefixlen),
            "disabled": True,
            "disableBGPExport": True,
            "natOutgoing": False,
            "ipipMode": "Never",
            "vxlanMode": "Never",
            # A pool for load balancers only would not count as a known range.
            "allowedUses": ["Workload"],
            "nodeSelector": "all()",
        },
    }


def _name(peer: str, cidr: str) -> str:
    return f"fabric-{peer}-{re.sub('[^0-9a-z]+', '-', cidr.lower()).strip('-')}"
