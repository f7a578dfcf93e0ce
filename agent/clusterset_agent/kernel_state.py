# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the kernel of a node should hold, as plain values that can be compared."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Vxlan:
    """The overlay device between the nodes and the gateways of a cluster."""

    name: str
    vni: int
    port: int
    local: str
    device: str
    mac: str
    mtu: int


@dataclass(frozen=True)
class WireguardLink:
    """One interface to one gateway of a peer; ``allowed`` are the ranges that may come from it."""

    name: str
    peer: str
    remote_node: str
    remote_tunnel: str
    public_key: str
    endpoint: str
    remote_port: int
    listen_port: int
    allowed: tuple[str, ...]
    mtu: int
    keepalive: int = 5


@dataclass(frozen=True)
class Neighbour:
    """Another node on the overlay: its tunnel address, hardware address and address in the nodes' network."""

    tunnel: str
    mac: str
    underlay: str


@dataclass(frozen=True, order=True)
class Hop:
    """One way out; ``via`` is empty where the device alone decides."""

    device: str
    via: str = ""


@dataclass(frozen=True)
class Route:
    """One route in the main table; several hops share the traffic."""

    destination: str
    hops: tuple[Hop, ...]
    source: str


@dataclass(frozen=True)
class KernelState:
    """Everything of ours in the kernel of one node."""

    address: str
    overlay: Vxlan
    links: tuple[WireguardLink, ...] = ()
    neighbours: tuple[Neighbour, ...] = ()
    routes: tuple[Route, ...] = ()
    ruleset: str = ""
    transports: tuple[str, ...] = field(default=())
    """Devices of the network plugin over which remote sources arrive: they need a loose reverse path check."""


@dataclass(frozen=True)
class LocalFacts:
    """What the node itself knows: the device of its own address, and the plugin's devices to other nodes."""

    device: str
    device_mtu: int
    transports: tuple[str, ...] = ()
    shared: tuple[str, ...] = ()
    """Transports that carry local pods' packets too (a bridge): never to be taken as a sign of transit."""
