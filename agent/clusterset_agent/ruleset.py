# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The text of the agent's nftables tables; docs/agent.md tells what each rule cures."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass

from .families import IPV4, IPV6
from .kernel_state import LocalFacts
from .names import LINK_PREFIX, OVERLAY, TABLE

CARRIED = "carried_while_draining"

KUBE_PROXY_MARK = 0x4000
"""kube-proxy's mark for packets that it must masquerade itself."""


@dataclass(frozen=True)
class Words:
    """How nftables says the same in a family: its own name, a set of its addresses, ICMP as a match and as a protocol.

    :ivar headers: bytes of its headers and TCP's, without options.
    :ivar from_links: what is special about packets that come from the device of a link.
    """

    ip: str
    kind: str
    is_icmp: str
    icmp: str
    headers: int
    from_links: tuple[str, ...] = ()


WORDS = {
    IPV4: Words("ip", "ipv4_addr", "ip protocol icmp", "icmp", 40),
    # a peer's gateway has a link-local address, too, by which it must not get at the node
    IPV6: Words(
        "ip6",
        "ipv6_addr",
        "meta l4proto ipv6-icmp",
        "ipv6-icmp",
        60,
        (f'iifname "{LINK_PREFIX}*" ip6 saddr fe80::/10 meta l4proto != ipv6-icmp drop',),
    ),
}


@dataclass(frozen=True)
class Ranges:
    """Address ranges of this cluster and of all its peers, of one family."""

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


def render(ranges: Ranges, facts: LocalFacts, role: Role, family: int = IPV4) -> str:
    """Return the table ``clusterset_fabric`` of a family; the same input gives the same text."""
    words = WORDS[family]
    blocks = [*_sets(ranges, words), _keep_sources(words.ip), _guard_node(role, words), _clamp(role, words)]
    if role.gateway:
        blocks += [_macs(role.gateway_macs), _untracked(facts, role, words.ip), _forward(role, words.ip)]
    if role.gateway and role.draining:
        blocks += [f"  counter {CARRIED} {{ }}", *(_silent(role) if family == IPV4 else []), _carried(role, words)]
    body = "\n".join(blocks)
    return f"table {words.ip} {TABLE} {{\n{body}\n}}\n"


def _sets(ranges: Ranges, words: Words) -> list[str]:
    local = ranges.local_pods + ranges.local_tunnel
    remote = ranges.remote_pods + ranges.remote_services + ranges.remote_tunnel
    sets = {
        "local_pods": ranges.local_pods,
        "local_all": local,
        "remote_destinations": ranges.remote_pods + ranges.remote_services,
        "remote_sources": ranges.remote_pods + ranges.remote_tunnel,
        "remote_all": remote,
    }
    return [_networks(name, networks, words.kind) for name, networks in sets.items()]


def _networks(name: str, networks: Iterable[str], kind: str) -> str:
    collapsed = ipaddress.collapse_addresses(map(ipaddress.ip_network, networks))  # type: ignore[type-var]
    return _set(name, kind, [str(network) for network in collapsed], "flags interval; ")


def _macs(macs: tuple[str, ...]) -> str:
    return _set("gateway_macs", "ether_addr", sorted(macs))


def _set(name: str, kind: str, elements: list[str], flags: str = "") -> str:
    content = f"elements = {{ {', '.join(elements)} }}; " if elements else ""
    return f"  set {name} {{ type {kind}; {flags}{content}}}"


def _keep_sources(ip: str) -> str:
    """Give each packet its own source before the plugin's masquerading gets at it.

    Packets that kube-proxy marked must keep its masquerading, or their answers would miss it on the way back.
    """
    unmarked = f"meta mark & {KUBE_PROXY_MARK:#x} == 0 snat to {ip} saddr"
    return _chain(
        "keep_sources",
        "type nat hook postrouting priority 90; policy accept;",
        f"{ip} saddr @local_pods {ip} daddr @remote_destinations {unmarked}",
        f"{ip} saddr @remote_sources {ip} daddr @local_pods {unmarked}",
    )


def _guard_node(role: Role, words: Words) -> str:
    """Let other clusters reach pods, but not open connections to the node's own services (kubelet and the like)."""
    verdicts = _chain(
        "from_fabric",
        f"{words.ip} saddr != @remote_all accept",
        "ct state established,related accept",
        "ct status dnat accept",
        f"{words.is_icmp} accept",
        "drop",
    )
    hook = _chain(
        "guard_node",
        "type filter hook input priority filter; policy accept;",
        *words.from_links,
        f'iifname "{OVERLAY}" jump from_fabric',
        f'iifname "{LINK_PREFIX}*" jump from_fabric',
        *(f'iifname "{line}" jump from_fabric' for line in role.lines),
    )
    return f"{verdicts}\n{hook}"


def _untracked(facts: LocalFacts, role: Role, ip: str) -> str:
    """Do not track transit: with several gateways, answers take other ways and would look invalid.

    Packets to pods on the gateway itself stay tracked, since Services need it.
    """
    devices = ", ".join(f'"{name}"' for name in sorted({*facts.transports, OVERLAY}))
    return _chain(
        "untracked",
        "type filter hook prerouting priority raw; policy accept;",
        f"{ip} saddr @remote_all {ip} daddr @local_all "
        f"fib daddr type unicast fib daddr oifname {{ {devices} }} notrack",
        f'iifname "{OVERLAY}" {ip} saddr @local_all {ip} daddr @remote_all notrack',
        *([f"{ip} saddr @remote_all {ip} daddr @remote_all notrack"] if role.transit else []),
    )


def _forward(role: Role, ip: str) -> str:
    """Stop loops between gateways, and let peers reach nothing but this cluster's ranges and Services."""
    foreign = f"{ip} daddr != @local_all" + (f" {ip} daddr != @remote_all" if role.transit else "")
    elsewhere = f"{foreign} ct status & dnat != dnat drop"
    return _chain(
        "forward",
        "type filter hook forward priority filter; policy accept;",
        f'iifname "{OVERLAY}" oifname "{OVERLAY}" ether saddr @gateway_macs {ip} daddr @remote_all drop',
        f'iifname "{LINK_PREFIX}*" {elsewhere}',
        *(f'iifname "{line}" {ip} saddr @remote_all {elsewhere}' for line in role.lines),
    )


def _clamp(role: Role, words: Words) -> str:
    """Keep TCP below the MTU of the way: one lost notice that a packet does not fit would stall a connection.

    The way of a node's own packets to its gateways may be narrower than the links, which the other end cannot know.
    """
    syn, most = "tcp flags & (syn | rst) == syn", role.overlay_mtu - words.headers
    narrow = f"{syn} {words.ip} saddr @remote_all tcp option maxseg size set {most}"
    return _chain(
        "clamp",
        "type filter hook forward priority mangle; policy accept;",
        f"{syn} {words.ip} daddr @remote_all tcp option maxseg size set rt mtu",
        *([] if role.gateway else [narrow]),
    )


def _silent(role: Role) -> list[str]:
    """Answer no probe, so that everybody takes another way; probes are IPv4."""
    return [
        _networks("probe_points", role.probe_points, WORDS[IPV4].kind),
        _chain(
            "silent",
            "type filter hook prerouting priority raw; policy accept;",
            "icmp type echo-request ip daddr @probe_points drop",
        ),
    ]


def _carried(role: Role, words: Words) -> str:
    """Carry what still comes while draining, and count it."""
    return _chain(
        "carried",
        "type filter hook forward priority mangle; policy accept;",
        *(f"meta l4proto != {words.icmp} {way} counter name {CARRIED}" for way in _by_links(role, words.ip)),
    )


def _by_links(role: Role, ip: str) -> list[str]:
    """Packets of links only: what comes for the node's own pods by another gateway does not concern its draining."""
    ways = [f'iifname "{LINK_PREFIX}*"', f'oifname "{LINK_PREFIX}*"']
    ways += [f'iifname "{line}" {ip} saddr @remote_all' for line in role.lines]
    return ways + [f'oifname "{line}" {ip} daddr @remote_all' for line in role.lines]


def _chain(name: str, *rules: str) -> str:
    lines = "\n".join(f"    {rule}" for rule in rules)
    return f"  chain {name} {{\n{lines}\n  }}"
