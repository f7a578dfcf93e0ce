# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a cluster's own objects say about its links, read before anything is sent. Nothing here is measured by us."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..client.client import Client
from ..client.errors import ApiError
from ..facts.nodes import condition, nodes
from ..facts.owned import in_force
from ..facts.raw import Raw, dig, name_of
from ..facts.types import Node
from ..objects.agent import NAMESPACE, NODE_AGENT
from ..objects.crds import GROUP, VERSION
from ..plan.families import mapped

Item = dict[str, Any]


@dataclass(frozen=True)
class LinkState:
    """One Link object: a connection of a gateway of ours to one gateway of a peer (a cluster id)."""

    node: str
    peer: str
    remote: str
    state: str  # Up | Down | Connecting, "" = not yet reported
    last_handshake: str = ""
    driver: str = "wireguard"
    generation: int = 0  # of its keys
    message: str = ""  # what its agent says is wrong with it


@dataclass(frozen=True)
class Evidence:
    """What the cluster's objects say. Maps are by node name; addresses are bare."""

    cluster: str
    cluster_id: str = ""  # "" = no Fabric object
    state: str = ""
    nodes: tuple[Node, ...] = ()
    gateways: tuple[str, ...] = ()  # nodes that the Fabric object names as gateways
    tunnels: Mapping[str, str] = field(default_factory=dict)
    complaints: Mapping[str, str] = field(default_factory=dict)  # what the agent of a node reports as wrong
    agents: Mapping[str, bool] = field(default_factory=dict)  # node -> its agent's pod is ready
    peers: frozenset[str] = frozenset()  # cluster ids
    links: tuple[LinkState, ...] = ()
    via: Mapping[str, str] = field(default_factory=dict)  # peer without links of its own -> the one in the middle
    states: Mapping[str, str] = field(default_factory=dict)  # gateway -> Active | Draining | Drained
    ipv6: frozenset[str] = frozenset()  # ids of the clusters that its pods reach by IPv6, the own one among them

    def owner(self, address: str) -> str:
        """Which node of the cluster has this address, in words; "" for a stranger's."""
        for name, tunnel in self.tunnels.items():
            if address == tunnel or (":" in address and address == mapped(tunnel)):
                return f"tunnel address of {self.cluster}/{name}"
        for node in self.nodes:
            if address in node.internal + node.external:
                return f"address of node {self.cluster}/{node.name}"
        return ""


async def read(client: Client) -> Evidence:
    """Read everything at once: nodes, our objects, the agents' pods. ApiError, Unreachable."""
    ours = f"/apis/{GROUP}/{VERSION}/namespaces/{NAMESPACE}"
    kinds = ("fabrics", "peers", "tunneladdresses", "links", "gateways")
    paths = ("/api/v1/nodes", *(f"{ours}/{kind}" for kind in kinds))
    lists = await asyncio.gather(*(_list(client, path) for path in paths), _agents(client))
    node_items, fabrics, peers, tunnels, links, gateways, pods = lists
    local: Item = next((item for item in fabrics if name_of(item) == "local"), {})
    return Evidence(
        cluster=client.ref.name,
        cluster_id=str(dig(local, "spec", "clusterID") or ""),
        state=str(dig(local, "spec", "state") or ""),
        nodes=nodes(Raw(nodes=node_items)),
        gateways=tuple(str(gateway["node"]) for gateway in in_force(local).get("gateways") or ()),
        tunnels={str(dig(item, "spec", "node")): name_of(item) for item in tunnels},
        complaints={str(dig(item, "spec", "node")): text for item in tunnels if (text := _complaint(item))},
        agents={str(dig(item, "spec", "nodeName")): condition(item, "Ready") for item in pods},
        peers=frozenset(map(name_of, peers)),
        via={name_of(item): str(dig(item, "spec", "via")) for item in peers if dig(item, "spec", "via")},
        ipv6=carrying_ipv6(local, peers),
        states={name_of(item): str(dig(item, "status", "state") or "") for item in gateways},
        links=tuple(sorted(map(_link, links), key=_order)),
    )


def carrying_ipv6(local: Item, peers: Sequence[Item]) -> frozenset[str]:
    """The ids for :attr:`Evidence.ipv6`: both clusters have it, the one between them too, and a link that takes it."""
    six = {name_of(item): item for item in peers if _has_ipv6(item)}
    if not _has_ipv6(local):
        return frozenset()
    first = {name: six.get(str(dig(item, "spec", "via") or name), {}) for name, item in six.items()}
    found = {name for name, item in first.items() if any(map(_takes_ipv6, dig(item, "spec", "links") or ()))}
    return frozenset({str(dig(local, "spec", "clusterID") or ""), *found})


def _has_ipv6(item: Item) -> bool:
    return any(":" in str(cidr) for cidr in dig(item, "spec", "podCIDRs") or ())


def _takes_ipv6(row: Item) -> bool:
    return row.get("driver") != "direct" or bool(row.get("nextHop6"))


async def _agents(client: Client) -> list[Item]:
    path = f"/api/v1/namespaces/{NAMESPACE}/pods"
    return await _list(client, path, f"app.kubernetes.io/name={NODE_AGENT}")


async def _list(client: Client, path: str, labels: str = "") -> list[Item]:
    """All items; none where the kind is not known to the cluster."""
    try:
        return list(await client.list(path, label_selector=labels))
    except ApiError as error:
        if error.status == 404:
            return []
        raise


def _complaint(item: Item) -> str:
    if dig(item, "status", "undone"):
        return "its agent has undone its work"
    return str(dig(item, "status", "message") or "")


def _link(item: Item) -> LinkState:
    return LinkState(
        node=str(dig(item, "spec", "node") or ""),
        peer=str(dig(item, "spec", "peer") or ""),
        remote=str(dig(item, "spec", "remoteGateway") or ""),
        state=str(dig(item, "status", "state") or ""),
        last_handshake=str(dig(item, "status", "lastHandshake") or ""),
        driver=str(dig(item, "spec", "driver") or ""),
        generation=int(dig(item, "spec", "generation") or 0),
        message=str(dig(item, "status", "message") or ""),
    )


def _order(link: LinkState) -> tuple[str, str, str, str, int]:
    return link.node, link.peer, link.remote, link.driver, link.generation
