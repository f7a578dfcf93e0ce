# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a gateway's packets to other clusters look like just now, as the cluster's objects say it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..client.client import Client
from ..facts.owned import in_force
from ..facts.raw import dig, name_of
from ..objects.agent import NAMESPACE
from ..objects.crds import GROUP, VERSION

Item = dict[str, Any]
OURS = f"/apis/{GROUP}/{VERSION}/namespaces/{NAMESPACE}"
DIRECT, VXLAN = "direct", "vxlan"


@dataclass(frozen=True)
class Wire:
    """One Link object: `port` is the UDP port that this node's end of it has, 0 if it has none."""

    node: str
    peer: str
    remote: str
    driver: str
    number: int = 0
    port: int = 0
    up: bool = False
    carrying: bool = True

    @property
    def label(self) -> str:
        """Node, and the gateway at the other end."""
        return f"{self.node} - {self.peer}/{self.remote}"


@dataclass(frozen=True)
class Wiring:
    """Ranges are CIDRs. `own` is this cluster's tunnel range, `foreign` everything that peers have."""

    own: tuple[str, ...] = ()
    foreign: tuple[str, ...] = ()
    overlay_port: int = 14789
    vxlan_port: int = 14788
    wires: tuple[Wire, ...] = ()
    endpoints: Mapping[tuple[str, str], str] = field(default_factory=dict)  # (peer, its gateway) -> address

    def of(self, node: str) -> list[Wire]:
        """The links of one gateway."""
        return [wire for wire in self.wires if wire.node == node]


async def read(client: Client) -> Wiring:
    """Read the objects. ApiError, Unreachable."""
    fabric, peers, links = await asyncio.gather(
        client.get(f"{OURS}/fabrics/local"), client.list(f"{OURS}/peers"), client.list(f"{OURS}/links")
    )
    return parse(fabric, peers, links)


def parse(fabric: Item, peers: Sequence[Item], links: Sequence[Item]) -> Wiring:
    """The same, of objects already read."""
    ports = dig(fabric, "spec", "ports") or {}
    foreign = [text for peer in peers for text in _ranges(peer.get("spec") or {})]
    endpoints = {
        (name_of(peer), str(row.get("node"))): str(row.get("endpoint") or "")
        for peer in peers
        for row in in_force(peer).get("gateways") or ()
    }
    return Wiring(
        own=tuple(filter(None, [str(dig(fabric, "spec", "tunnelCIDR") or "")])),
        foreign=tuple(dict.fromkeys(foreign)),
        overlay_port=int(ports.get("vxlan") or Wiring.overlay_port),
        vxlan_port=int(ports.get("linkVxlan") or Wiring.vxlan_port),
        wires=tuple(sorted(map(_wire, links), key=lambda wire: (wire.label, wire.number, wire.port))),
        endpoints=endpoints,
    )


def _ranges(spec: Item) -> list[str]:
    texts = [*(spec.get("podCIDRs") or ()), *(spec.get("serviceCIDRs") or ()), spec.get("tunnelCIDR")]
    return [
        str(text) for text in texts if text and ":" not in str(text)
    ]  # outages drop IPv4, which is what a rehearsal streams


def _wire(item: Item) -> Wire:
    spec, status = item.get("spec") or {}, item.get("status") or {}
    return Wire(
        node=str(spec.get("node") or ""),
        peer=str(spec.get("peer") or ""),
        remote=str(spec.get("remoteGateway") or ""),
        driver=str(spec.get("driver") or ""),
        number=int(spec.get("number") or 0),
        port=int(spec.get("port") or 0),
        up=status.get("state") == "Up",
        carrying=bool(status.get("carrying", True)),
    )
