# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waiting for what the agents say of themselves: keys of gateways, links that are up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..client.client import Client
from ..errors import FabricError
from ..facts.owned import GROUP, NAMESPACE, gateway_of
from ..facts.types import Gateway
from ..plan.types import ClusterPlan
from .types import Progress

OURS = f"/apis/{GROUP}/v1alpha1/namespaces/{NAMESPACE}"
FIX = f"look at the pods of DaemonSet {NAMESPACE}/fabric-agent and their logs"
Object = dict[str, Any]


async def wait_for_gateways(client: Client, cluster: ClusterPlan, progress: Progress) -> tuple[Gateway, ...]:
    """Every planned gateway's key and tunnel address, once its agent has published them.

    :raises FabricError: when the client's deadline passes first; names the gateways that are missing.
    """
    wanted = {gateway.node for gateway in cluster.gateways}
    found: dict[str, Gateway] = {}
    try:
        async for _, item in _follow(client, f"{OURS}/gateways"):
            gateway = gateway_of(item)
            if gateway.node in wanted and gateway.public_key and gateway.tunnel_address:
                found[gateway.node] = gateway
                progress(client.ref.name, f"{len(found)} of {len(wanted)} gateways have published their keys")
            if wanted <= set(found):
                break
    except TimeoutError as error:
        missing = ", ".join(sorted(wanted - set(found)))
        raise FabricError(f"no key was published by gateway {missing}", cluster=client.ref.name, fix=FIX) from error
    return tuple(found[node] for node in sorted(wanted))


async def wait_for_links(client: Client, peers: Sequence[Object], progress: Progress) -> bool:
    """True once every gateway of this cluster has a link that is up to every gateway of ``peers``.

    :raises FabricError: when the client's deadline passes first; names the links that are not up.
    """
    wanted = {(peer["spec"]["clusterID"], gateway["node"]) for peer in peers for gateway in peer["spec"]["gateways"]}
    states: dict[str, tuple[tuple[str, str], str]] = {}
    try:
        async for event, item in _follow(client, f"{OURS}/links") if wanted else _nothing():
            spec, state = item["spec"], (item.get("status") or {}).get("state", "")
            states[item["metadata"]["name"]] = ((spec["peer"], spec["remoteGateway"]), state)
            if event == "DELETED":
                del states[item["metadata"]["name"]]
            current = [state for remote, state in states.values() if remote in wanted]
            progress(client.ref.name, f"{current.count('Up')} of {len(current)} links are up")
            if {remote for remote, _ in states.values()} >= wanted and set(current) == {"Up"}:
                break
    except TimeoutError as error:
        down = sorted(name for name, (_, state) in states.items() if state != "Up") or ["all of them"]
        fix = f"let UDP pass between the gateways' endpoints, or {FIX}"
        raise FabricError(f"links are not up: {', '.join(down)}", cluster=client.ref.name, fix=fix) from error
    return True
