# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The objects of this cluster that the sync part follows."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

from ..cluster_api import Client, FabricError
from .collection import Collection
from .names import IMPORTED, MCS, MCS_VERSIONS, OUR_MANAGER, OURS, PROXY_SERVICE, SLICE_MANAGER, Key, Object, by_name

Marked = Callable[[Iterable[Key]], None]


async def served_version(client: Client) -> str:
    """Return the newest version of the Multi-Cluster Services API that is served here, as soon as one is."""
    while True:
        try:
            group = await client.try_get(f"/apis/{MCS}")
            served = {row["version"] for row in (group or {}).get("versions") or ()}
            for version in MCS_VERSIONS:
                if version in served:
                    return version
        except FabricError:
            pass  # the election's own requests tell of an API server that does not answer
        await asyncio.sleep(1.0)


class LocalState:
    """All collections of this cluster, by what they are."""

    def __init__(self, namespace: str, version: str, marked: Marked, around: Callable[[], None]) -> None:
        mcs, ours = f"/apis/{MCS}/{version}", f"/apis/{OURS}/namespaces/{namespace}"
        self._marked = marked

        def surroundings(_keys: Iterable[Key]) -> None:
            around()

        self.exports = Collection(f"{mcs}/serviceexports", _named, marked)
        self.imports = Collection(f"{mcs}/serviceimports", _named, marked)
        self.services = Collection("/api/v1/services", _service, marked)
        self.slices = Collection("/apis/discovery.k8s.io/v1/endpointslices", _slice, marked)
        self.published = Collection(f"{ours}/exportedservices", _published, marked)
        self.namespaces = Collection("/api/v1/namespaces", by_name, self._namespaces)
        self.fabrics = Collection(f"{ours}/fabrics", by_name, surroundings, only="local")
        self.peers = Collection(f"{ours}/peers", by_name, surroundings)
        self.links = Collection(f"{ours}/links", by_name, surroundings)
        self.secrets = Collection(f"/api/v1/namespaces/{namespace}/secrets", by_name, surroundings)
        self.all = (
            self.exports,
            self.imports,
            self.services,
            self.slices,
            self.published,
            self.namespaces,
            self.fabrics,
            self.peers,
            self.links,
            self.secrets,
        )

    @property
    def synced(self) -> bool:
        """Whether everything has been read at least once: before that nothing may be concluded from what is missing."""
        return all(each.synced for each in self.all)

    @property
    def keys(self) -> set[Key]:
        """Every service that is exported, published or imported here."""
        return self.exports.keys | self.imports.keys | self.published.keys

    def active(self, namespace: str) -> bool:
        """Whether the namespace exists and is to stay."""
        found = self.namespaces.of((namespace, "")).get(namespace)
        return found is not None and (found.get("status") or {}).get("phase", "Active") == "Active"

    async def follow(self, client: Client) -> None:
        """Follow all of it until cancelled."""
        await asyncio.gather(*(each.follow(client) for each in self.all))

    def _namespaces(self, keys: Iterable[Key]) -> None:
        changed = {namespace for namespace, _name in keys}
        self._marked([key for key in self.keys | self.foreign() if key[0] in changed])

    foreign: Callable[[], set[Key]] = staticmethod(set)
    """Services that only peers export; set by who knows the peers."""


def _named(item: Object) -> Key | None:
    return item["metadata"]["namespace"], item["metadata"]["name"]


def _published(item: Object) -> Key | None:
    spec = item.get("spec") or {}
    return spec.get("namespace", ""), spec.get("name", "")


def _service(item: Object) -> Key | None:
    """A Service that we have made belongs to its import; any other one to its own name."""
    metadata = item["metadata"]
    return metadata["namespace"], (metadata.get("labels") or {}).get(IMPORTED) or metadata["name"]


def _slice(item: Object) -> Key | None:
    metadata = item["metadata"]
    labels = metadata.get("labels") or {}
    ours = labels.get(SLICE_MANAGER) == OUR_MANAGER
    name = labels.get(IMPORTED) if ours else labels.get(PROXY_SERVICE)
    return (metadata["namespace"], name) if name else None
