# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waiting by watch until objects are ready, or gone; and saying why when they are not."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from contextlib import aclosing

from ..client.errors import ApiError
from ..client.types import Object
from ..errors import FabricError
from . import identity, readiness
from .identity import Key, title
from .reasons import reason
from .work import Work

_MARGIN = 3.0  # seconds of the deadline that are left to find out and say why


async def until_ready(work: Work, stored: Mapping[Key, Object]) -> None:
    """Return when all of ``stored`` (as the server last showed them) are ready.

    :raises FabricError: the time is over, or waiting has become pointless; names the object and its pods' reason.
    """
    pending = {k: o for k, o in stored.items() if readiness.waits_for(o) and not readiness.state_of(o).ready}
    groups: dict[tuple[str, str, str], dict[Key, Object]] = {}
    for key, obj in pending.items():
        groups.setdefault((obj["apiVersion"], obj["kind"], key.namespace), {})[key] = obj
    try:
        async with asyncio.TaskGroup() as tasks:
            for (version, kind, namespace), members in groups.items():
                tasks.create_task(_Group(work, version, kind, namespace, members).wait())
    except ExceptionGroup as group:  # pylint: disable=using-exception-groups-in-unsupported-version
        raise group.exceptions[0] from None


class _Group:
    """Objects of one kind in one namespace, followed by one watch."""

    def __init__(self, work: Work, version: str, kind: str, namespace: str, pending: dict[Key, Object]) -> None:
        self.work, self.version, self.kind, self.namespace = work, version, kind, namespace
        self.pending = pending
        self.told: dict[Key, str] = {}

    async def wait(self) -> None:
        path = await self.work.client.resource_path(self.version, self.kind, self.namespace)
        ends = min(self.work.ends, asyncio.get_running_loop().time() + self.work.client.remaining) - _MARGIN
        try:
            async with asyncio.timeout_at(ends):
                while self.pending:
                    await self._follow(path)
        except TimeoutError:
            key, obj = next(iter(self.pending.items()))
            raise await self._overdue(key, obj) from None

    async def _follow(self, path: str) -> None:
        client, selector = self.work.client, self.work.selector
        listing = await client.list(path, label_selector=selector)
        for item in listing:
            await self._see(item)
        if not self.pending:
            return
        events = client.watch(path, label_selector=selector, resource_version=listing.resource_version)
        try:
            async with aclosing(events):
                async for event, item in events:
                    if event in ("ADDED", "MODIFIED"):
                        await self._see(item)
                    if not self.pending:
                        return
        except ApiError as error:
            if error.status != 410:  # too old: list again
                raise

    async def _see(self, item: Object) -> None:
        obj = {**item, "apiVersion": self.version, "kind": self.kind}
        key = identity.key_of(obj)
        if key not in self.pending:
            return
        self.pending[key] = obj
        state = readiness.state_of(obj)
        if self.told.get(key) != state.text:
            self.told[key] = state.text
            self.work.tell(f"{self.kind} {key.name} {state.text}")
        if state.ready:
            del self.pending[key]
        elif state.hopeless:
            raise await self._overdue(key, obj)

    async def _overdue(self, key: Key, obj: Object) -> FabricError:
        state = readiness.state_of(obj)
        try:
            why = await reason(self.work.client, obj)
        except FabricError:
            why = ""
        text = (
            f"{title(key)} is {state.text}" if state.hopeless else f"{title(key)} is not ready in time ({state.text})"
        )
        return FabricError(
            f"{text}{': ' if why else ''}{why}.",
            cluster=self.work.client.ref.name,
            fix="correct what its pods say, or raise fabric_deadline." if why else "look at the object's status.",
        )


async def until_gone(work: Work, keys: Iterable[Key], versions: Mapping[Key, str]) -> None:
    """Return when none of these objects exists any more; finalizers are theirs to work off.

    :raises FabricError: the time is over; names what is still there.
    """
    left = dict(versions)
    ends = work.ends - _MARGIN
    pause = 0.05
    try:
        async with asyncio.timeout_at(ends):
            while True:
                found = await work.listed(left, metadata_only=True)
                left = {key: version for key, version in left.items() if key in found}
                if not left:
                    return
                work.tell(f"waiting for {len(left)} objects to go, {title(next(iter(left)))} among them")
                await asyncio.sleep(pause)
                pause = min(2.0, pause * 2)
    except TimeoutError:
        names = ", ".join(title(key) for key in left)
        raise FabricError(
            f"still there after its deletion: {names}.",
            cluster=work.client.ref.name,
            fix="look at the finalizers of these objects and at who should work them off.",
        ) from None
