# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clusters leave: the others forget them first, then their agents undo, then their objects go."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from ..client.client import MERGE, Client
from ..client.errors import Unreachable
from ..client.fleet import fleet
from ..client.types import Outcome
from ..model.types import ClusterModel
from ..plan.plugin import BUNDLE as PLUGIN
from .bundle import delete_bundle
from .holders import revoke_all
from .links import BUNDLE
from .policies import remove as remove_policies
from .rendezvous import OURS, Overdue, State, until
from .services import forget_peer
from .services import remove as remove_services
from .types import Options, Progress

LOCAL = f"{OURS}/fabrics/local"
UNDO_SECONDS = 60.0  # an agent undoes its node in a second or two; a node that is gone never will
T = TypeVar("T")


@dataclass
class Departure:
    """What leaving did. ``notes`` are about what does not answer: nothing more can be done there."""

    changed: bool = False
    failed: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


async def leave(
    models: Sequence[ClusterModel],
    leaving: Sequence[ClusterModel],
    options: Options,
    progress: Progress,
    *,
    remove_plugin: bool = False,
) -> Departure:
    """Take ``leaving`` out of the clusterset ``models``.

    :param remove_plugin: also remove the network plugin, where it was installed by us; pods have no network then.

    A leaving cluster that does not answer is a note, since the others are free of it all the same; a staying one
    that does not answer has failed, because it still knows the leaving ones.
    """
    departure = Departure()
    gone = sorted(model.cluster_id for model in leaving)

    async def forget(client: Client) -> bool:
        return await _forget(client, gone, options, progress)

    async def undo(client: Client) -> Departure:
        gone = await revoke_all(client, options)
        gone += await remove_services(client, options, progress)
        gone += await remove_policies(client, options, progress)
        departure = await _undo(client, options, progress)
        departure.changed |= gone.changed
        if remove_plugin:
            result = await delete_bundle(client, PLUGIN, options, progress=progress)
            departure.changed |= result.changed
        return departure

    for host, outcome in (await _each([model for model in models if model not in leaving], forget)).items():
        departure.changed |= bool(outcome.value)
        if outcome.error:
            departure.failed[host] = str(outcome.error)
    for host, undone in (await _each(leaving, undo)).items():
        if undone.value:
            departure.changed |= undone.value.changed
            departure.notes += undone.value.notes
        elif isinstance(undone.error, Unreachable):
            departure.notes.append(f"{undone.error} What is in {host} stays there; the others are free of it.")
        else:
            departure.failed[host] = str(undone.error)
    return departure


async def _each(models: Sequence[ClusterModel], work: Callable[[Client], Awaitable[T]]) -> Mapping[str, Outcome[T]]:
    return await fleet(
        [model.ref for model in models], work, deadline=max((model.deadline for model in models), default=0)
    )


async def _forget(client: Client, gone: Sequence[str], options: Options, progress: Progress) -> bool:
    """Remove the leaving clusters' Peers; the agents take down their links and routes."""
    changed = False
    for peer in gone:
        path = f"{OURS}/peers/{peer}"
        found = await client.try_get(path) is not None
        if found and not options.check:
            await client.delete(path)
        if found:
            progress(client.ref.name, f"{'would forget' if options.check else 'forgot'} {peer}")
        changed |= found
        changed |= await forget_peer(client, peer, options)
    return changed


async def _undo(client: Client, options: Options, progress: Progress) -> Departure:
    """Let the agents undo what they did on the nodes, then remove what we put into the cluster."""
    departure = Departure()
    if await client.try_get(LOCAL) is not None:
        departure.changed = True
        if not options.check:
            await client.request("PATCH", LOCAL, body={"spec": {"state": "Leaving"}}, content_type=MERGE)
            waiting = await _wait_undone(client, progress)
            departure.notes += [f"{client.ref.name}: node {node} did not undo its part; restart it" for node in waiting]
    result = await delete_bundle(client, BUNDLE, options, progress=progress)
    departure.changed |= result.changed
    return departure


async def _wait_undone(client: Client, progress: Progress) -> list[str]:
    """Nodes whose agent has not said within a minute that its node is as it was."""

    def waiting(found: State) -> list[str]:
        nodes = {item["spec"]["node"] for item in found.values()}
        left = {item["spec"]["node"] for item in found.values() if not (item.get("status") or {}).get("undone")}
        progress(client.ref.name, f"{len(nodes - left)} of {len(nodes)} nodes are as they were")
        return sorted(left)

    try:
        await until(client, "tunneladdresses", waiting, seconds=max(1.0, min(UNDO_SECONDS, client.remaining / 2)))
    except Overdue as overdue:
        return list(overdue.missing)
    return []
