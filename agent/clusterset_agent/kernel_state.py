# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the kernel of a node should hold, as plain values that can be compared."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Vxlan:
    """A VXLAN device; who is at its other ends is told by :class:`Neighbour`."""

    name: str
    vni: int
    port: int
    local: str
    device: str
    mac: str
    mtu: int


@dataclass(frozen=True)
class Neighbour:
    """Another node on a VXLAN device: its address there, hardware address and address in the nodes' network.

    :ivar link_local: its IPv6 address there, which IPv6 routes go by; empty where no IPv6 is carried.
    """

    tunnel: str
    mac: str
    underlay: str
    link_local: str = ""


@dataclass(frozen=True, kw_only=True)
class Link:
    """One way to one gateway of a peer, whatever carries it.

    :ivar name: names the way, and its network interface where it has one.
    :ivar here: this gateway's probe address for the link; its probes come from there.
    :ivar there: the other gateway's probe address for the link.
    :ivar beyond: an address that answers only what the other gateway forwards; empty if nobody is behind it.
    :ivar witness: name of the link to the node that holds ``beyond``.
    """

    driver: str
    name: str
    peer: str
    remote_node: str
    number: int
    generation: int
    cost: int
    mtu: int
    here: str
    there: str
    beyond: str = ""
    witness: str = ""


@dataclass(frozen=True, kw_only=True)
class WireguardLink(Link):
    """One interface with one WireGuard peer; ``allowed`` are the ranges that may come from it."""

    public_key: str
    endpoint: str
    remote_port: int
    listen_port: int
    allowed: tuple[str, ...]
    keepalive: int = 5


@dataclass(frozen=True, kw_only=True)
class VxlanLink(Link):
    """One VXLAN device between two gateways; nothing is encrypted."""

    device: Vxlan
    other_end: Neighbour


@dataclass(frozen=True, kw_only=True)
class DirectLink(Link):
    """A dedicated line: no interface of its own, packets go to the next hop as they are."""

    device: str
    next_hop: str
    next_hop6: str = ""


@dataclass(frozen=True, order=True)
class Hop:
    """One way out; ``via`` is empty where the device alone decides."""

    device: str
    via: str = ""


@dataclass(frozen=True)
class Route:
    """One route in the main table; several hops share the traffic.

    :ivar local: the node itself holds the range.
    :ivar blackhole: what no narrower route leads elsewhere is dropped.
    """

    destination: str
    hops: tuple[Hop, ...]
    source: str
    local: bool = False
    blackhole: bool = False


@dataclass(frozen=True)
class KernelState:
    """Everything of ours in the kernel of one node.

    :ivar addresses: of the node on all devices of ours: the tunnel address, and its IPv6 form where IPv6 is carried.
    :ivar ruleset: the table of the family ip; ``ruleset6`` that of ip6, empty where no IPv6 is carried.
    """

    addresses: tuple[str, ...]
    overlay: Vxlan
    links: tuple[Link, ...] = ()
    neighbours: tuple[Neighbour, ...] = ()
    routes: tuple[Route, ...] = ()
    ruleset: str = ""
    ruleset6: str = ""
    generations: tuple[int, ...] = ()
    """Generations of link keys that the node holds, and no others; none if it is no gateway."""
    transports: tuple[str, ...] = field(default=())
    """Devices of others over which remote sources arrive: they need a loose reverse path check."""

    @property
    def ipv6(self) -> bool:
        """Whether IPv6 is carried."""
        return bool(self.ruleset6)


@dataclass(frozen=True)
class LocalFacts:
    """What the node itself knows: the device of its own address, and the plugin's devices to other nodes."""

    device: str
    device_mtu: int
    transports: tuple[str, ...] = ()
    shared: tuple[str, ...] = ()
    """Transports that carry local pods' packets too (a bridge): never to be taken as a sign of transit."""
