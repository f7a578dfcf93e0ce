# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An outage in a cluster: its pod is made, watched, and taken away whatever happens."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from ..errors import FabricError
from ..facts.nodes import condition
from ..facts.raw import dig, name_of
from . import outages
from .afterwards import afterwards
from .outages import Outage
from .post import Post

START_SECONDS = 60.0
Item = dict[str, Any]


@asynccontextmanager
async def holding(post: Post, outage: Outage) -> AsyncIterator[Held]:
    """Within this the outage is to hold, for its own number of seconds at most."""
    pod = outages.pod(outage, post.stage.namespace, image=post.image)
    path = f"/api/v1/namespaces/{post.stage.namespace}/pods/{name_of(pod)}"
    try:
        await post.client.apply(pod)
        yield Held(post, outage, path)
    finally:
        complaint = f"pod {name_of(pod)} on {outage.node} is left behind; it ends by itself"
        if text := await afterwards(post.client.ref, lambda client: client.delete(path), complaint):
            post.notes.append(text)


class Held:
    """The outage's pod. All methods: FabricError."""

    def __init__(self, post: Post, outage: Outage, path: str) -> None:
        self._post, self._outage, self._path = post, outage, path

    async def begun(self) -> None:
        """Wait until the rules stand."""
        pod = await self._until(lambda pod: condition(pod, "Ready") or ended(pod), "its rules stand", START_SECONDS)
        if ended(pod):
            last = last_words(pod).get("error") or f"the pod ended as {dig(pod, 'status', 'phase')}"
            raise FabricError(f"the outage on {self._outage.node} did not hold: {last}.", cluster=self._post.name)

    async def holds(self) -> bool:
        """Whether the rules still stand."""
        pod = await self._post.client.try_get(self._path)
        return pod is not None and not ended(pod)

    async def over(self) -> int | None:
        """Wait for the end; the number of packets dropped, None if the pod did not tell."""
        pod = await self._until(ended, "its end", self._outage.seconds + START_SECONDS)
        dropped = last_words(pod).get("dropped")
        return int(dropped) if dropped is not None else None

    async def _until(self, true: Any, what: str, seconds: float) -> Item:
        async def look() -> Item | None:
            pod = await self._post.client.get(self._path)
            return pod if true(pod) else None

        return await self._post.until(look, f"outage on {self._outage.node}, {what}", seconds=seconds)


def ended(pod: Item) -> bool:
    """Whether the pod runs no more."""
    return dig(pod, "status", "phase") in ("Succeeded", "Failed")


def last_words(pod: Item) -> dict[str, Any]:
    """What the program left as its message; {} if it left none."""
    for status in dig(pod, "status", "containerStatuses") or ():
        try:
            words = json.loads(dig(status, "state", "terminated", "message") or "{}")
        except ValueError:
            continue
        if isinstance(words, dict):
            return words
    return {}
