# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The text of the agent's nftables table; docs/agent.md tells what each rule cures."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass

from .kernel_state import LocalFacts
from .names import LINK_PREFIX, OVERLAY, TABLE

CARRIED = "carried_while_draining"

KUBE_PROXY_MARK = 0x4000
"""kube-proxy's mark for packets that it must masquerade itself."""

_TCP_HEADERS = 40
"""Bytes of the IPv4 and TCP headers without options."""


@dataclass(frozen=True)
class Ranges:
    """Address ranges of this cluster and of all its peers."""

    local_pods: tuple[str, ...]
    local_tunnel: tuple[str, ...]
    remote_pods: tuple[str, ...] = ()
    remote_services: tuple[str, ...] = ()
    remote_tunnel: tuple[str, ...] = ()


@dataclass(frozen=True)
class Role:
    """What the node does for others.

    :ivar overlay_mtu: bytes of the largest packet to or from a gateway of this cluster.
    :ivar lines: devices of dedicated lines, over which peers' packets arrive as they are.
    :ivar gateway_macs: hardware addresses on the overlay of this cluster's other gateways.
    :ivar probe_points: what must stay silent while the node is draining.
    """

    gateway: bool = False
    transit: bool = False
    draining: bool = False
    overlay_mtu: int = 0
    lines: tuple[str, ...] = ()
    gateway_macs: tuple[str, ...] = ()
    probe_points: tuple[str, ...] = ()


def render(ranges: Ranges, facts: LocalFacts, role: Role) -> str:
    """Return the body of table ``ip clusterset_fabric``; the same input gives the same text."""
    blocks = [*_sets(ranges), _keep_sources(), _guard_node(role), _clamp(role)]
    if role.gateway:
        blocks += [_macs(role.gateway_macs), _untracked(facts, role), _forward(role)]
    if role.gateway and role.draining:
        blocks += _drain(role)
    body = "\n".join(blocks)
    return f"table ip {TABLE} {{\n{body}\n}}\n"


def _sets(ranges: Ranges) -> list[str]:
    local = ranges.local_pods + ranges.local_tunnel
    remote = ranges.remote_pods + ranges.remote_services + ranges.remote_tunnel
    return [
        _networks("local_pods", ranges.local_pods),
        _networks("local_all", local),
        _networks("remote_destinations", ranges.remote_pods + ranges.remote_services),
        _networks("remote_sources", ranges.remote_pods + ranges.remote_tunnel),
        _networks("remote_all", remote),
    ]


def _networks(name: str, networks: Iterable[str]) -> str:
    collapsed = ipaddress.collapse_addresses(ipaddress.IPv4Network(network) for network in networks)
    return _set(name, "ipv4_addr", [str(network) for network in collapsed], "flags interval; ")


def _macs(macs: tuple[str, ...]) -> str:
    return _set("gateway_macs", "ether_addr", sorted(macs))


def _set(name: str, kind: str, elements: list[str], flags: str = "") -> str:
    content = f"elements = {{ {', '.join(elements)} }}; " if elements else ""
    return f"  set {name} {{ type {kind}; {flags}{content}}}"


def _keep_sources() -> str:
    """Give each packet its own source before the plugin's masquerading gets at it.

    Packets that kube-proxy marked must keep its masquerading, or their answers would miss it on the way back.
    """
    unmarked = f"meta mark & {KUBE_PROXY_MARK:#x} == 0 snat to ip saddr"
    return _chain(
        "keep_sources",
        "type nat hook postrouting priority 90; policy accept;",
        f"ip saddr @local_pods ip daddr @remote_destinations {unmarked}",
        f"ip saddr @remote_sources ip daddr @local_pods {unmarked}",
    )


def _guard_node(role: Role) -> str:
    """Let other clusters reach pods, but not open connections to the node's own services (kubelet and the like)."""
    verdicts = _chain(
        "from_fabric",
        "ip saddr != @remote_all accept",
        "ct state established,related accept",
        "ct status dnat accept",
        "ip protocol icmp accept",
        "drop",
    )
    hook = _chain(
        "guard_node",
        "type filter hook input priority filter; policy accept;",
        f'iifname "{OVERLAY}" jump from_fabric',
        f'iifname "{LINK_PREFIX}*" jump from_fabric',
        *(f'iifname "{line}" jump from_fabric' for line in role.lines),
    )
    return f"{verdicts}\n{hook}"


def _untracked(facts: LocalFacts, role: Role) -> str:
    """Do not track transit: with several gateways, answers take other ways and would look invalid.

    Packets to pods on the gateway itself stay tracked, since Services need it.
    """
    devices = ", ".join(f'"{name}"' for name in sorted({*facts.transports, OVERLAY}))
    return _chain(
        "untracked",
        "type filter hook prerouting priority raw; policy accept;",
        f"ip saddr @remote_all ip daddr @local_all fib daddr type unicast fib daddr oifname {{ {devices} }} notrack",
        f'iifname "{OVERLAY}" ip saddr @local_all ip daddr @remote_all notrack',
        *(["ip saddr @remote_all ip daddr @remote_all notrack"] if role.transit else []),
    )


def _forward(role: Role) -> str:
    """Stop loops between gateways, and let peers reach nothing but this cluster's ranges and Services."""
    foreign = "ip daddr != @local_all" + (" ip daddr != @remote_all" if role.transit else "")
    elsewhere = f"{foreign} ct status & dnat != dnat drop"
    return _chain(
        "forward",
        "type filter hook forward priority filter; policy accept;",
        f'iifname "{OVERLAY}" oifname "{OVERLAY}" ether saddr @gateway_macs ip daddr @remote_all drop',
        f'iifname "{LINK_PREFIX}*" {elsewhere}',
        *(f'iifname "{line}" ip saddr @remote_all {elsewhere}' for line in role.lines),
    )


def _clamp(role: Role) -> str:
    """Keep TCP below the MTU of the way: one lost notice that a packet does not fit would stall a connection.

    The way of a node's own packets to its gateways may be narrower than the links, which the other end cannot know.
    """
    syn = "tcp flags & (syn | rst) == syn"
    narrow = f"{syn} ip saddr @remote_all tcp option maxseg size set {role.overlay_mtu - _TCP_HEADERS}"
    return _chain(
        "clamp",
        "type filter hook forward priority mangle; policy accept;",
        f"{syn} ip daddr @remote_all tcp option maxseg size set rt mtu",
        *([] if role.gateway else [narrow]),
    )


def _drain(role: Role) -> list[str]:
    """Answer no probe, so that everybody takes another way, while what still comes is carried, and counted."""
    return [
        f"  counter {CARRIED} {{ }}",
        _networks("probe_points", role.probe_points),
        _chain(
            "silent",
            "type filter hook prerouting priority raw; policy accept;",
            "icmp type echo-request ip daddr @probe_points drop",
        ),
        _chain(
            "carried",
            "type filter hook forward priority mangle; policy accept;",
            *(f"meta l4proto != icmp {way} counter name {CARRIED}" for way in _by_links(role)),
        ),
    ]


def _by_links(role: Role) -> list[str]:
    """Packets of links only: what comes for the node's own pods by another gateway does not concern its draining."""
    ways = [f'iifname "{LINK_PREFIX}*"', f'oifname "{LINK_PREFIX}*"']
    ways += [f'iifname "{line}" ip saddr @remote_all' for line in role.lines]
    return ways + [f'oifname "{line}" ip daddr @remote_all' for line in role.lines]


def _chain(name: str, *rules: str) -> str:
    lines = "\n".join(f"    {rule}" for rule in rules)
    return f"  chain {name} {{\n{lines}\n  }}"
