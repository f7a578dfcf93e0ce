# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Draining gateways: the node is marked, its agent moves the traffic to the others, and says when that is done."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ..client.client import FIELD_MANAGER, MERGE, Client
from ..client.errors import ApiError
from ..client.fleet import fleet
from ..client.types import Object
from ..errors import FabricError
from ..facts.nodes import DRAIN, nodes
from ..facts.owned import GROUP, owned
from ..facts.raw import Raw
from ..model.types import ClusterModel
from ..plan.draining import DRAINED, Crew, choose
from .rendezvous import FIX, OURS, Overdue, State, Teller, until
from .types import Options, Progress


@dataclass
class Drain:
    """What was done: ``gateways`` (host/node) are in the wanted state now; ``failed`` is host -> message."""

    changed: bool = False
    gateways: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)


async def drain(
    models: Sequence[ClusterModel], named: Sequence[str], state: str, options: Options, progress: Progress
) -> Drain:
    """Bring the named gateways of ``models`` into ``state`` (drained or active), and wait until their agents say so.

    :raises RefusedError: before anything is touched; see :func:`choose`.
    """
    done = Drain()
    deadline = max((model.deadline for model in models), default=0)
    read = await fleet([model.ref for model in _concerned(models, named)], _read, deadline=deadline)
    done.failed = {host: str(outcome.error) for host, outcome in read.items() if outcome.error}
    # what is named of a cluster that does not answer fails with it, not as an unknown name
    known = [name for name in named if name.rpartition("/")[0] not in done.failed]
    chosen = choose(known, {host: outcome.value for host, outcome in read.items() if outcome.value}, state)

    async def bring(client: Client) -> bool:
        return await _bring(client, chosen[client.ref.name], state, options, progress)

    refs = [model.ref for model in models if model.host in chosen]
    for host, outcome in (await fleet(refs, bring, deadline=deadline)).items():
        done.changed |= bool(outcome.value)
        if outcome.error:
            done.failed[host] = str(outcome.error)
        else:
            done.gateways += [f"{host}/{node}" for node in chosen[host]]
    return done


def _concerned(models: Sequence[ClusterModel], named: Sequence[str]) -> list[ClusterModel]:
    """The clusters to ask: those that are named; all, if a node is named without its cluster."""
    hosts = {name.rpartition("/")[0] for name in named}
    return [model for model in models if "" in hosts or model.host in hosts]


async def _read(client: Client) -> Crew:
    paths = ("/api/v1/nodes", f"{OURS}/fabrics", f"{OURS}/gateways")
    found, fabrics, gateways = await asyncio.gather(*(_list(client, path) for path in paths))
    raw = Raw(nodes=found, fabrics=fabrics, gateways=gateways, crds=frozenset({f"fabrics.{GROUP}"}))
    ours = owned(raw)
    states = {gateway.node: gateway.state for gateway in ours.gateways}
    return Crew({node.name: node for node in nodes(raw)}, {name: states.get(name, "") for name in ours.chosen})


async def _list(client: Client, path: str) -> list[Object]:
    """All items; none where the kind is not known to the cluster."""
    try:
        return list(await client.list(path))
    except ApiError as error:
        if error.status == 404:
            return []
        raise


async def _bring(client: Client, names: Sequence[str], state: str, options: Options, progress: Progress) -> bool:
    """Mark the nodes, or take the marks off, and wait for the agents; True if a mark has changed."""
    wanted = "true" if state == DRAINED else None
    changed = False
    for name in names:
        node = await client.get(f"/api/v1/nodes/{name}")
        if ((node["metadata"].get("annotations") or {}).get(DRAIN) == "true") == (wanted is not None):
            continue
        changed = True
        if options.check:
            progress(client.ref.name, f"would make gateway {name} {state}")
            continue
        body = {"metadata": {"annotations": {DRAIN: wanted}}}
        params = {"fieldManager": FIELD_MANAGER}
        await client.request("PATCH", f"/api/v1/nodes/{name}", params=params, body=body, content_type=MERGE)
    if not options.check:
        await _wait(client, set(names), state.capitalize(), progress)
    return changed


async def _wait(client: Client, names: set[str], wanted: str, progress: Progress) -> None:
    told: Mapping[str, str] = {}
    say = Teller(client, progress)

    def missing(found: State) -> list[str]:
        nonlocal told
        told = {name: _state(found.get(name) or {}) for name in sorted(names)}
        say("; ".join(f"gateway {name} is {text}" for name, text in told.items()))
        return [name for name, text in told.items() if text.partition(":")[0] != wanted]

    try:
        await until(client, "gateways", missing)
    except Overdue as overdue:
        text = "; ".join(f"gateway {name} is {told[name]}" for name in overdue.missing)
        message = f"not {wanted} in time: {text}"
        raise FabricError(message, cluster=client.ref.name, fix=FIX) from overdue


def _state(gateway: Object) -> str:
    status = gateway.get("status") or {}
    state, message = str(status.get("state") or "not reported"), status.get("message")
    return f"{state}: {message}" if message else state
