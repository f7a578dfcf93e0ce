# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""IPv6 for the clusters of netlab, as hard as their IPv4: the plugin masquerades, what tracking calls invalid drops."""

from __future__ import annotations

from .netlab import NODES, Net, Node
from .topology import ranges

PLUGIN6 = """
table ip6 plugin {{
  chain post {{
    type nat hook postrouting priority srcnat
    ip6 saddr {pods} ip6 daddr != {pods} masquerade
    ip6 saddr != {pods} ip6 daddr {pods} masquerade
  }}
  chain forward {{
    type filter hook forward priority filter
    ct state invalid drop
  }}
}}
"""
RANGES6 = {
    "east": ("fd00:41::/48", "fd00:141::/112"),
    "west": ("fd00:42::/48", "fd00:142::/112"),
}


def underlay6(node: Node) -> str:
    return f"fd00:c0::{node.number + (0 if node.cluster == 'east' else 100):x}"


def pods6(node: Node) -> str:
    return f"{RANGES6[node.cluster][0].removesuffix('::/48')}:0:{node.number}:"


def pod6(node: Node) -> str:
    return f"{pods6(node)}:2"


def hops6(net: Net, node: str, destination: str) -> int:
    text = net.inside(node, "ip", "-6", "route", "show", destination, "proto", "111")
    return max(text.count("nexthop"), int(bool(text.strip())))


def settled6(net: Net) -> bool:
    ways = [(node.name, cidr) for node in NODES for name in RANGES6 if name != node.cluster for cidr in RANGES6[name]]
    return net.settled() and all(hops6(net, node, cidr) == 2 for node, cidr in ways)


def add_ipv6(net: Net, *clusters: str) -> None:
    """Make these clusters dual-stack: nodes, pods, the plugin, and what the agents are told."""
    for cluster in clusters:
        pods, services = RANGES6[cluster]
        net.topology.more[cluster] = {
            "podCIDRs": [ranges(cluster)[0], pods],
            "serviceCIDRs": [services, ranges(cluster)[1]],  # the order of the families does not matter
        }
        for node in NODES:
            if node.cluster == cluster:
                _node(net, node)
    for node in NODES:
        net.tell(node)


def _node(net: Net, node: Node) -> None:
    lines = [f"addr add {underlay6(node)}/64 dev eth0 nodad"]
    lines += [
        f"route add {pods6(node_)}:/64 via {underlay6(node_)}"
        for node_ in NODES
        if node_ != node and node_.cluster == node.cluster
    ]
    if node.pod:
        lines.append(f"addr add {pods6(node)}:1/64 dev pod0 nodad")
        pod = f"addr add {pod6(node)}/64 dev eth0 nodad\nroute add default via {pods6(node)}:1\n"
        net.inside(f"{node.name}p", "ip", "-6", "-batch", "-", text=pod)
    net.inside(node.name, "ip", "-6", "-batch", "-", text="\n".join(lines) + "\n")
    net.inside(node.name, "nft", "-f", "-", text=PLUGIN6.format(pods=RANGES6[node.cluster][0]))
