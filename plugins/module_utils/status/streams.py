# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Streams between the clusters: one pod of each asks one pod of each other, while something is done to the way."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Sequence
from typing import Any

from ..errors import FabricError
from .post import Post
from .rehearsal import Stream, Window
from .types import Place

START_SECONDS = 15.0
COLLECT_SECONDS = 35.0  # stragglers and TCP's last chunks take up to 11 s of it
LEAD_SECONDS = 1.0  # how long streams flow before anything is done, and after it
LONGEST = 600.0  # seconds after which the pods end streams that nobody collects
Pair = tuple[str, str]
"""Names of the clusters, source first."""


def place_for(places: Sequence[Place], avoid: str = "") -> Place | None:
    """Where a stream begins or ends: not on the node that is afflicted, rather not on a gateway."""
    free = [place for place in places if not avoid or place.node != avoid]
    return min(free, key=lambda place: (place.gateway, place.label), default=None)


def start_request(name: str, targets: Sequence[Place]) -> dict[str, Any]:
    """The body of a POST /stream/start."""
    entries = [{"name": place.label, "address": place.address, "expect": place.label} for place in targets]
    return {"id": name, "targets": entries, "settings": {"seconds": LONGEST}}


def streams_of(source: Place, targets: Sequence[Place], answer: dict[str, Any]) -> list[Stream]:
    """What a POST /stream/collect says of each target."""
    entries = {str(entry.get("name")): entry for entry in answer.get("streams") or () if isinstance(entry, dict)}
    return [_stream(source, target, entries.get(target.label) or {}) for target in targets]


def _stream(source: Place, target: Place, entry: dict[str, Any]) -> Stream:
    reason = str(entry.get("reason") or "")
    if not entry.get("sent"):
        return Stream(source, target, unknown=reason or "the verifier pod said nothing of it")
    return Stream(
        source,
        target,
        sent=int(entry["sent"]),
        lost=int(entry["lost"]),
        gap=float(entry["gap"]),
        late=float(entry["late"]),
        unread=int(entry["unread"]),
        stall=float(entry["stall"]),
        own=str(entry["own"]),
        seen=tuple(map(str, entry["seen"])),
        broken="" if entry["survived"] else reason or "not known why",
    )


class Streams:
    """The streams of one rehearsal. Faults of the control path become unknown streams, never exceptions."""

    def __init__(self, posts: Sequence[Post]) -> None:
        self.posts = list(posts)
        self.left_out: set[Pair] = set()  # pairs between which nothing passed before any fault
        self._running: list[_Source] = []

    async def start(self, *, cluster: str = "", avoid: str = "") -> None:
        """Begin streams of all pairs of connected clusters; none of them ends on node `avoid` of `cluster`."""
        places = {post.name: place_for(post.places, avoid if post.name == cluster else "") for post in self.posts}
        name = secrets.token_hex(4)
        self._running = [
            _Source(post, here, targets, name)
            for post in self.posts
            if (here := places[post.name]) and (targets := self._targets(post, places))
        ]
        await asyncio.gather(*(source.start() for source in self._running))
        await self.lead()

    @staticmethod
    async def lead() -> None:
        """Let the streams flow for a moment."""
        await asyncio.sleep(LEAD_SECONDS)

    def _targets(self, source: Post, places: dict[str, Place | None]) -> list[Place]:
        return [
            there
            for post in self.posts
            if (there := places[post.name])
            and post.evidence.cluster_id in source.evidence.peers
            and (source.name, post.name) not in self.left_out
        ]

    async def collect(self) -> Window:
        """End the streams and return what became of them."""
        found = await asyncio.gather(*(source.collect() for source in self._running))
        self._running = []
        return Window(tuple(stream for several in found for stream in several))


class _Source:
    """The streams that one pod sends."""

    def __init__(self, post: Post, place: Place, targets: list[Place], name: str) -> None:
        self._post, self._place, self._targets, self._name = post, place, targets, name
        self._fault = ""

    async def start(self) -> None:
        await self._ask("stream/start", start_request(self._name, self._targets), START_SECONDS)

    async def collect(self) -> list[Stream]:
        answer = {} if self._fault else await self._ask("stream/collect", {"id": self._name}, COLLECT_SECONDS)
        if self._fault:
            return [Stream(self._place, target, unknown=self._fault) for target in self._targets]
        return streams_of(self._place, self._targets, answer)

    async def _ask(self, what: str, request: dict[str, Any], seconds: float) -> dict[str, Any]:
        """Ask twice, since both requests may be repeated; a fault is kept."""
        for last in (False, True):
            try:
                return await self._post.stage.ask(self._place, what, request, timeout=seconds)
            except FabricError as error:
                if last:
                    self._fault = f"API server of {self._post.name} -> {self._place.label}: {error.message}"
        return {}
