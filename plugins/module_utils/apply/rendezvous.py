# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waiting for what the agents say of themselves: keys of gateways, links that are up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Any

from ..client.client import Client
from ..client.errors import ApiError
from ..errors import FabricError
from ..facts.owned import GROUP, NAMESPACE, gateway_of
from ..facts.types import Gateway
from ..plan.types import ClusterPlan
from .types import Progress

OURS = f"/apis/{GROUP}/v1alpha1/namespaces/{NAMESPACE}"
FIX = f"look at the pods of DaemonSet {NAMESPACE}/fabric-agent and their logs"
MARGIN = 2.0  # seconds of the deadline that are left to say what was waited for
Object = dict[str, Any]


async def wait_for_gateways(client: Client, cluster: ClusterPlan, progress: Progress) -> tuple[Gateway, ...]:
    """Every planned gateway's key and tunnel address, once its agent has published them.

    :raises FabricError: when the client's deadline nears first; names the gateways that are missing.
    """
    wanted = {gateway.node for gateway in cluster.gateways}
    found: dict[str, Gateway] = {}
    try:
        async with asyncio.timeout(client.remaining - MARGIN), aclosing(follow(client, f"{OURS}/gateways")) as events:
            async for _event, item in events:
                gateway = gateway_of(item)
                if gateway.node in wanted - set(found) and gateway.public_key and gateway.tunnel_address:
                    found[gateway.node] = gateway
                    progress(client.ref.name, f"{len(found)} of {len(wanted)} gateways have published their keys")
                if wanted <= set(found):
                    break
    except TimeoutError as error:
        missing = ", ".join(sorted(wanted - set(found)))
        raise FabricError(f"no key was published by gateway {missing}", cluster=client.ref.name, fix=FIX) from error
    return tuple(found[node] for node in sorted(wanted))


async def wait_for_links(client: Client, cluster: ClusterPlan, peers: Sequence[Object], progress: Progress) -> bool:
    """True once every link of this cluster's gateways to those of ``peers`` is up.

    :raises FabricError: when the client's deadline nears first; names the links that are not up.
    """
    wanted = {
        (own.node, peer["spec"]["clusterID"], remote["node"])
        for own in cluster.gateways
        for peer in peers
        for remote in peer["spec"]["gateways"]
    }
    up: set[tuple[str, str, str]] = set()
    try:
        async with asyncio.timeout(client.remaining - MARGIN), aclosing(follow(client, f"{OURS}/links")) as events:
            while not wanted <= up:
                event, link = await anext(events)
                before = len(up & wanted)
                up.discard(_ends(link))
                if event != "DELETED" and _state(link) == "Up":
                    up.add(_ends(link))
                if len(up & wanted) != before:
                    progress(client.ref.name, f"{len(up & wanted)} of {len(wanted)} links are up")
    except TimeoutError as error:
        down = ", ".join(f"{node} to {peer}/{remote}" for node, peer, remote in sorted(wanted - up))
        fix = f"let UDP pass between the gateways' endpoints, or {FIX}"
        raise FabricError(f"links are not up: {down}", cluster=client.ref.name, fix=fix) from error
    return True


def _ends(link: Object) -> tuple[str, str, str]:
    return link["spec"]["node"], link["spec"]["peer"], link["spec"]["remoteGateway"]


def _state(link: Object) -> str:
    return str((link.get("status") or {}).get("state", ""))


async def follow(client: Client, path: str) -> AsyncGenerator[tuple[str, Object], None]:
    """What is there (as ADDED), then what changes, without end; a watch that ends or expires begins anew."""
    while True:
        listing = await client.list(path)
        for item in listing:
            yield "ADDED", item
        try:
            async for event, item in client.watch(path, resource_version=listing.resource_version):
                if event != "BOOKMARK":
                    yield event, item
        except ApiError as error:
            if error.status != 410:
                raise
