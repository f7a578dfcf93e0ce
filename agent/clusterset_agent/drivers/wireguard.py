# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""WireGuard interfaces, in the kernel or served by ``wireguard-go``, through the one tool ``wg``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..devices import Devices
from ..kernel_state import WireguardLink
from ..keys import Keys
from ..names import LINK_PREFIX
from ..programs import run
from .base import PendingError, Traffic

_TRIAL = f"{LINK_PREFIX}trial"


@dataclass(frozen=True)
class WireguardPeer:
    """What ``wg`` tells of one peer; ``handshake`` is seconds since the epoch, 0 for never."""

    endpoint: str
    allowed: frozenset[str]
    handshake: int
    received: int
    sent: int
    keepalive: int


@dataclass(frozen=True)
class WireguardState:
    """What ``wg`` tells of one interface, without its private key."""

    public_key: str
    port: int
    peers: dict[str, WireguardPeer]


class WireguardDriver:
    """The driver ``wireguard``; where the kernel has none, interfaces are ordered from the keeper of ``wireguard-go``.

    :param orders: directory with a file for each interface that ``wireguard-go`` must serve.
    """

    def __init__(self, netlink: Any, devices: Devices, keys: Keys, orders: Path) -> None:
        self._netlink = netlink
        self._devices = devices
        self._keys = keys
        self._orders = orders
        self._in_kernel: bool | None = None
        self._states: dict[str, WireguardState] = {}

    @property
    def implementation(self) -> str:
        """Where WireGuard runs on this node: ``kernel`` or ``userspace``."""
        if self._in_kernel is None:
            self._in_kernel = kernel_has_wireguard(self._netlink)
        return "kernel" if self._in_kernel else "userspace"

    def refresh(self) -> None:
        """Read the state of all interfaces."""
        self._states = read_all()

    def converge(self, link: WireguardLink, addresses: tuple[str, ...], *, fit: bool) -> list[str]:
        """Have the interface with its key, its one peer and its addresses."""
        if link.name not in self._devices.indexes():
            raise PendingError(link.name, self._make(link.name))
        if link.name not in self._states:
            raise PendingError(link.name, [])
        key, public_key = self._keys.path(link.generation), self._keys.public(link.generation)
        changes = configure(link, key, public_key, self._states[link.name], alive=fit)
        changes += self._devices.up(link.name, link.mtu)
        return changes + self._devices.addresses(link.name, addresses)

    def traffic(self, link: WireguardLink) -> Traffic:
        """Return what WireGuard tells of the link's peer."""
        state = self._states.get(link.name)
        peer = state.peers.get(link.public_key) if state else None
        return Traffic(peer.received, peer.sent, peer.handshake) if peer else Traffic()

    def cancel(self, name: str) -> None:
        """Have ``wireguard-go`` serve an interface no longer; its device goes with it."""
        (self._orders / name).unlink(missing_ok=True)

    def ordered(self) -> set[str]:
        """Return the names of the interfaces that ``wireguard-go`` was told to serve."""
        return {entry.name for entry in self._orders.iterdir()} if self._orders.is_dir() else set()

    def _make(self, name: str) -> list[str]:
        if self.implementation == "kernel":
            return self._devices.add(name, "wireguard")
        order = self._orders / name
        if order.exists():
            return []
        order.parent.mkdir(parents=True, exist_ok=True)
        order.touch()
        return [f"device {name} ordered"]


def kernel_has_wireguard(netlink: Any) -> bool:
    """Find out by trying, since a module may be loaded on demand."""
    try:
        netlink.link("add", ifname=_TRIAL, kind="wireguard")
    except Exception as error:
        if getattr(error, "code", None) in (95, 19):  # not supported, no such device
            return False
        raise
    netlink.link("del", ifname=_TRIAL)
    return True


def read_all() -> dict[str, WireguardState]:
    """Return the state of every interface of ours that answers."""
    return parse_dump(run("wg", "show", "all", "dump"))


def parse_dump(text: str) -> dict[str, WireguardState]:
    """Read the output of ``wg show all dump``; the private keys in it are dropped at once."""
    states: dict[str, WireguardState] = {}
    for line in text.splitlines():
        name, *fields = line.split("\t")
        if not name.startswith(LINK_PREFIX):
            continue
        if len(fields) == 4:
            states[name] = WireguardState(fields[1], int(fields[2]), {})
        elif name in states:
            states[name].peers[fields[0]] = _peer(fields)
    return states


def _peer(fields: list[str]) -> WireguardPeer:
    _key, _preshared, endpoint, allowed, handshake, received, sent, keepalive = fields
    ranges = frozenset() if allowed == "(none)" else frozenset(allowed.split(","))
    interval = 0 if keepalive == "off" else int(keepalive)
    return WireguardPeer(endpoint, ranges, int(handshake), int(received), int(sent), interval)


def configure(link: WireguardLink, key: Path, public_key: str, state: WireguardState, alive: bool) -> list[str]:
    """Have one interface as wanted; return what changed.

    :param alive: the endpoint of a live link is left alone, since the other end may have moved behind a translation.
    """
    changes: list[str] = []
    if state.public_key != public_key or state.port != link.listen_port:
        run("wg", "set", link.name, "private-key", str(key), "listen-port", str(link.listen_port))
        changes.append(f"link {link.name} key and port {link.listen_port}")
    for other in state.peers.keys() - {link.public_key}:
        run("wg", "set", link.name, "peer", other, "remove")
        changes.append(f"link {link.name} former peer removed")
    endpoint = f"{link.endpoint}:{link.remote_port}"
    present = state.peers.get(link.public_key)
    if present is None or not _same(present, link, endpoint, alive):
        run("wg", "set", link.name, "peer", link.public_key, *_settings(link, endpoint))
        changes.append(f"link {link.name} peer at {endpoint}")
    return changes


def _same(present: WireguardPeer, link: WireguardLink, endpoint: str, alive: bool) -> bool:
    settled = present.allowed == frozenset(link.allowed) and present.keepalive == link.keepalive
    return settled and (alive or not link.endpoint or present.endpoint == endpoint)


def _settings(link: WireguardLink, endpoint: str) -> list[str]:
    """Who is behind a translation has no endpoint: it calls us, and WireGuard learns where from."""
    where = ["endpoint", endpoint] if link.endpoint else []
    return [*where, "persistent-keepalive", str(link.keepalive), "allowed-ips", ",".join(link.allowed)]
