# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Draining a gateway by the annotation on its node, and taking back what a killed rehearsal left of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from ..client.client import MERGE, Client
from ..facts.raw import dig, name_of
from . import leftovers
from .afterwards import afterwards
from .post import Post
from .wiring import OURS

DRAIN = "fabric.clusterset.io/drain"
ACTIVE, DRAINED = "Active", "Drained"
STATE_SECONDS = 90.0  # for an agent to see the annotation and to say what it did
NODES = "/api/v1/nodes"


@asynccontextmanager
async def draining(post: Post, node: str) -> AsyncIterator[None]:
    """Within this the node is to be drained. Whatever happens, the annotation goes again."""
    marks = {DRAIN: "true", **post.stage.marks}
    try:
        await _annotate(post.client, node, dict(marks))
        yield
    finally:
        complaint = f"node {node} is left with annotation {DRAIN}; the next rehearsal removes it"
        ref = post.client.ref
        gone = dict.fromkeys(marks)
        if text := await afterwards(ref, lambda client: _annotate(client, node, gone), complaint):
            post.notes.append(text)


async def until_state(post: Post, node: str, state: str) -> None:
    """Wait until the node's Gateway object says so. FabricError."""

    async def look() -> bool | None:
        found = await post.client.try_get(f"{OURS}/gateways/{node}")
        return True if found and dig(found, "status", "state") == state else None

    await post.until(look, f"gateway {node} is {state}", seconds=STATE_SECONDS)


async def taken(client: Client) -> set[str]:
    """Nodes that somebody drains."""
    return {name_of(item) for item in await client.list(NODES, metadata_only=True) if DRAIN in _notes(item)}


async def recover(client: Client) -> list[str]:
    """Take back the draining of rehearsals that were killed; one note for each."""
    notes = []
    for item in await client.list(NODES, metadata_only=True):
        if DRAIN in _notes(item) and leftovers.EXPIRES in _notes(item) and leftovers.abandoned(dict(item)):
            await _annotate(client, name_of(item), dict.fromkeys((DRAIN, leftovers.EXPIRES, leftovers.RUNNER)))
            notes.append(f"ended the draining of {name_of(item)}, left by a run that was killed")
    return notes


def _notes(item: object) -> dict[str, str]:
    return dig(item, "metadata", "annotations") or {}


async def _annotate(client: Client, node: str, notes: dict[str, str | None] | dict[str, str]) -> None:
    """Set annotations; None removes one."""
    body = {"metadata": {"annotations": notes}}
    await client.request("PATCH", f"{NODES}/{node}", body=body, content_type=MERGE)
