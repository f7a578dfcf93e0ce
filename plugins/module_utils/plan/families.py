# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""IPv6 between clusters: which pairs have it, what it needs, and what people should know of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from ipaddress import IPv4Network, IPv6Network

from ..errors import FabricError
from ..model.link_wishes import SMALLEST_MTU
from .types import ClusterPlan, LinkPlan, TransitPlan, by_pair

MAPPED = IPv6Network("fd0f:ab1c:5e70::/96")
"""The agents' IPv6 tunnel addresses: in here, with the 32 bits of the IPv4 one."""
OVERLAY_OVERHEAD = 50  # bytes, of the device between the nodes of a cluster


def has_ipv6(cluster: ClusterPlan) -> bool:
    """Whether pods of the cluster have IPv6 addresses."""
    return any(":" in cidr for cidr in cluster.pod_cidrs)


def mapped(tunnel: str) -> str:
    """The IPv6 form of a tunnel address or a tunnel range."""
    network = IPv4Network(tunnel)
    address = str(MAPPED[int(network.network_address)])
    return f"{address}/{96 + network.prefixlen}" if "/" in tunnel else address


def takes_ipv6(link: LinkPlan) -> bool:
    """Whether a link carries IPv6: a dedicated line only between routers whose IPv6 addresses are known."""
    return link.driver != "direct" or {link.a, link.b} <= link.next_hops6.keys()


def refuse_families(clusters: Sequence[ClusterPlan], links: Sequence[LinkPlan]) -> list[FabricError]:
    """Clusters that would have IPv6 over a device between their nodes that is too small for it."""
    ids = {end for link in _both(clusters, links) for end in (link.a, link.b)}
    least = SMALLEST_MTU + OVERLAY_OVERHEAD
    return [
        FabricError(
            f"an underlay MTU of {cluster.underlay_mtu} is too small for IPv6 between its nodes, which needs {least}",
            cluster=cluster.host,
            fix="raise fabric_underlay_mtu (and the network's), or set fabric_pod_cidrs to its IPv4 ranges",
        )
        for cluster in clusters
        if cluster.cluster_id in ids and cluster.underlay_mtu < least
    ]


def _both(clusters: Sequence[ClusterPlan], links: Sequence[LinkPlan]) -> list[LinkPlan]:
    """The links whose both ends have IPv6."""
    six = {cluster.cluster_id for cluster in clusters if has_ipv6(cluster)}
    return [link for link in links if {link.a, link.b} <= six]


def notes(clusters: Sequence[ClusterPlan], links: Sequence[LinkPlan], transits: Sequence[TransitPlan]) -> Iterator[str]:
    """Where IPv6 is not routed, though one end has it."""
    six = {cluster.cluster_id for cluster in clusters if has_ipv6(cluster)}
    hosts = {cluster.cluster_id: cluster.host for cluster in clusters}
    ways = [(link.a, link.b) for link in links] + [(way.a, way.b) for way in transits]
    without = sorted({hosts[end] for pair in ways for end in pair if len(six & set(pair)) == 1 and end not in six})
    if without:
        yield f"no IPv6 ranges in {', '.join(without)}: other clusters' IPv6 is not routed to and from there"
    for way in transits:
        if {way.a, way.b} <= six and way.via in hosts and way.via not in six:
            yield f"{hosts[way.a]} and {hosts[way.b]}: IPv6 does not pass {hosts[way.via]}, which has no IPv6 ranges"
    for mates in by_pair(_both(clusters, links)).values():
        others = [link.driver for link in mates if takes_ipv6(link)]
        yield from (_bare(link, others, hosts) for link in mates if not takes_ipv6(link))


def _bare(link: LinkPlan, others: list[str], hosts: Mapping[str, str]) -> str:
    what = f"takes their {others[0]} link only" if others else "is not routed between them"
    pair = f"{hosts[link.a]} and {hosts[link.b]}"
    return f"{pair}: IPv6 {what}: fabric_links has no next_hops_ipv6 of both for their direct link"
