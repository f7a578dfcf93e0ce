# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One cluster with two gateways and a plain node, and a peer with two gateways: what most tests begin with."""

from __future__ import annotations

from typing import Any

from clusterset_agent.kernel_state import LocalFacts
from clusterset_agent.situation import Situation
from clusterset_agent.wanted import parse

FABRIC: dict[str, Any] = {
    "clusterID": "east",
    "index": 0,
    "podCIDRs": ["10.41.0.0/16"],
    "serviceCIDRs": ["10.141.0.0/16"],
    "tunnelCIDR": "10.248.0.0/22",
    "underlayMTU": 1500,
    "ports": {"vxlan": 14789, "base": 14800, "metrics": 14790},
    "gateways": [{"node": "g1", "ordinal": 0}, {"node": "g2", "ordinal": 1}],
}


def gateway(node: str, ordinal: int, keys: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    """A gateway of the peer."""
    number = node.removeprefix("w")
    return {
        "node": node,
        "ordinal": ordinal,
        "endpoint": f"192.0.2.{number}",
        "tunnelAddress": f"10.248.8.{number}",
        "keys": keys or [{"generation": 0, "publicKey": f"k{number}"}],
    }


WEST: dict[str, Any] = {
    "clusterID": "west",
    "index": 2,
    "podCIDRs": ["10.42.0.0/16"],
    "serviceCIDRs": ["10.142.0.0/16"],
    "tunnelCIDR": "10.248.8.0/22",
    "links": [{"driver": "wireguard", "cost": 100, "mtu": 1420}],
    "gateways": [gateway("w1", 0), gateway("w2", 3)],
}
ADDRESSES = {
    "10.248.0.1": {"node": "g1", "underlayAddress": "198.51.100.1"},
    "10.248.0.2": {"node": "g2", "underlayAddress": "198.51.100.2"},
    "10.248.0.3": {"node": "plain", "underlayAddress": "198.51.100.3"},
}
LOCAL = LocalFacts(device="eth0", device_mtu=1500, transports=("flannel.1",))


def situation(node: str, *peers: dict[str, Any], **changes: Any) -> Situation:
    """The situation of a node; ``changes`` are to the fabric, ``peers`` may be given by name, too."""
    peers = changes.pop("peers", peers)
    wanted = parse({**FABRIC, **changes}, peers or (WEST,), ADDRESSES)
    me = wanted.address_of(node)
    assert me is not None
    return Situation(wanted, me, LOCAL)
