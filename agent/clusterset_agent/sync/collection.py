# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One collection of an API server, followed by list and watch; what is gone is believed only when it is certain."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Iterable

from ..cluster_api import ApiError, Client, FabricError
from .names import Key, Object

log = logging.getLogger("clusterset.sync")

_WATCH_SECONDS = 120.0
_LONGEST_PAUSE = 5.0
_CONFIRM_AFTER = 1.0
"""Seconds after which a suspiciously empty list is read again."""
KeyOf = Callable[[Object], Key | None]
Changed = Callable[[Iterable[Key]], None]


class Collection:
    """The objects of one collection by the service that they belong to.

    :param key_of: the service of an object; None for objects that are of no interest.
    :param changed: told the services whose objects have changed.
    :param slim: what of an object is kept.
    :param wary: believe even the first list only the second time if it is empty: it is of another cluster.
    """

    def __init__(
        self,
        path: str,
        key_of: KeyOf,
        changed: Changed,
        *,
        only: str = "",
        wary: bool = False,
        slim: Callable[[Object], Object] | None = None,
    ) -> None:
        self.path = path
        self.synced = False
        self.connected = False
        self.fault = ""
        self._key_of = key_of
        self._changed = changed
        self._selector = f"metadata.name={only}" if only else ""
        self._wary = wary
        self._slim = slim or _slim
        self._by_key: dict[Key, dict[str, Object]] = {}

    def of(self, key: Key) -> dict[str, Object]:
        """Return the objects of one service by name."""
        return self._by_key.get(key, {})

    @property
    def keys(self) -> set[Key]:
        """The services that have an object here."""
        return set(self._by_key)

    def note(self, item: Object, *, gone: bool = False) -> None:
        """Take in what we have just written or deleted ourselves, without waiting to be told."""
        key = self._key_of(item)
        if key is not None and not gone:
            self._by_key.setdefault(key, {})[item["metadata"]["name"]] = self._slim(item)
        elif key is not None:
            self._by_key.get(key, {}).pop(item["metadata"]["name"], None)

    @property
    def named(self) -> dict[str, Object]:
        """All objects by name; of a collection that has each name once."""
        return {name: item for found in self._by_key.values() for name, item in found.items()}

    async def follow(self, client: Client) -> None:
        """Follow until cancelled. What was read stays, however long the server does not answer."""
        pause = 0.2
        while True:
            try:
                await self._read_and_watch(client)
                pause = 0.2
            except FabricError as error:
                if isinstance(error, ApiError) and error.status == 410:
                    continue
                self.connected, self.fault = False, str(error)
                log.warning("watch failed", extra={"path": self.path, "error": str(error)})
                await asyncio.sleep(pause * random.uniform(0.5, 1.5))
                pause = min(pause * 2, _LONGEST_PAUSE)

    async def _read_and_watch(self, client: Client) -> None:
        listing = await client.list(self.path, field_selector=self._selector)
        if not listing and (self._by_key or (self._wary and not self.synced)):
            await asyncio.sleep(_CONFIRM_AFTER)
            listing = await client.list(self.path, field_selector=self._selector)
        self.connected, self.fault = True, ""
        self._replace(listing)
        version = listing.resource_version
        while True:
            seconds = _WATCH_SECONDS * random.uniform(0.8, 1.2)
            async for event, item in client.watch(
                self.path, field_selector=self._selector, resource_version=version, timeout=seconds
            ):
                version = item["metadata"].get("resourceVersion", version)
                if event in ("ADDED", "MODIFIED", "DELETED"):
                    self._take(item, gone=event == "DELETED")

    def _replace(self, listing: Iterable[Object]) -> None:
        fresh: dict[Key, dict[str, Object]] = {}
        for item in listing:
            key = self._key_of(item)
            if key is not None:
                fresh.setdefault(key, {})[item["metadata"]["name"]] = self._slim(item)
        before, self._by_key = self._by_key, fresh
        first, self.synced = not self.synced, True
        touched = {key for key in before.keys() | fresh.keys() if before.get(key) != fresh.get(key)}
        if touched or first:
            self._changed(touched)

    def _take(self, item: Object, *, gone: bool) -> None:
        key = self._key_of(item)
        if key is None:
            return
        found = self._by_key.setdefault(key, {})
        if gone:
            found.pop(item["metadata"]["name"], None)
        else:
            found[item["metadata"]["name"]] = self._slim(item)
        if not found:
            self._by_key.pop(key, None)
        self._changed((key,))


def _slim(item: Object) -> Object:
    """Without what nobody here reads: half of an object is bookkeeping of its fields' managers."""
    item["metadata"].pop("managedFields", None)
    return item
