# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""WireGuard interfaces, in the kernel or served by ``wireguard-go``, through the one tool ``wg``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .files import write_whole
from .kernel_state import WireguardLink
from .names import LINK_PREFIX
from .programs import run

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


def own_public_key(key: Path) -> str:
    """Return this node's public key; the private one is born here at the first call and never leaves the file."""
    if not key.exists():
        key.parent.mkdir(parents=True, exist_ok=True)
        write_whole(key, run("wg", "genkey"), mode=0o600)
    return run("wg", "pubkey", text=key.read_text()).strip()


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
    return settled and (alive or present.endpoint == endpoint)


def _settings(link: WireguardLink, endpoint: str) -> list[str]:
    return [
        "endpoint",
        endpoint,
        "persistent-keepalive",
        str(link.keepalive),
        "allowed-ips",
        ",".join(link.allowed),
    ]
