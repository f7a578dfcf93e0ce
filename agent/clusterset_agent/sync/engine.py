# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One service at a time: what is exported here is published, what is exported anywhere is imported here."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence

from ..cluster_api import ApiError, Client
from . import conditions, desired
from .export import Export, Refusal, local_export, to_object
from .local import LocalState
from .merge import Merged, merge
from .names import MCS, OURS, SOURCE_CLUSTER, Key, Object, derived_name, exported_name, is_ours
from .peer import Peer
from .queue import WorkQueue
from .settings import SyncSettings
from .standing import Signs, Standing, judge, links_up
from .wishes import Rule, by_inventory, new_export, wanted
from .writer import Writer

log = logging.getLogger("clusterset.sync")


class Engine:
    """Brings the objects of each service to what the exports of all clusters say."""

    def __init__(self, client: Client, settings: SyncSettings, version: str) -> None:
        self.peers: dict[str, Peer] = {}
        self.standings: dict[str, Standing] = {}
        self.queue = WorkQueue(self._service)
        self.writer = Writer(client)
        self.cluster = ""
        self.rules: tuple[Rule, ...] = ()
        self._settings = settings
        self._version = version
        self.local = LocalState(settings.namespace, version, self.queue.mark, self._around)
        self.local.foreign = self.foreign
        self._around_changed = False
        self._read: set[str] = set()
        self._foreign_told: set[Key] = set()

    def foreign(self) -> set[Key]:
        """Services that peers export."""
        return {key for peer in self.peers.values() for key in peer.keys}

    def everything(self) -> set[Key]:
        """Every service that there is anything to do for."""
        chosen = {key for key in self.local.services.keys if self._chosen(key)} if self.rules else set()
        return self.local.keys | self.foreign() | chosen

    def _chosen(self, key: Key) -> bool:
        """Whether the inventory asks for an export of the service."""
        return wanted(self.rules, self.local.services.of(key).get(key[1]))

    def _around(self) -> None:
        self._around_changed = True

    def surroundings_changed(self) -> bool:
        """Whether Fabric, Peers, Links or Secrets have changed since the last call."""
        changed, self._around_changed = self._around_changed, False
        return changed

    def judge_peers(self) -> bool:
        """Judge all peers anew; what a change touches is marked. Return whether there was one."""
        links = list(self.local.links.named.values())
        now, fresh = time.monotonic(), {}
        for name, peer in self.peers.items():
            signs = Signs(peer.started, peer.heard, links_up(links, name, peer.via), peer.fenced)
            fresh[name] = judge(signs, now, self._settings.peer_timeout)
        read = {name for name, peer in self.peers.items() if peer.synced}
        if fresh == self.standings and read == self._read:
            return False
        self._read = read
        for name in fresh:
            if fresh[name] is not self.standings.get(name):
                log.info("peer", extra={"peer": name, "standing": fresh[name].name, "fault": self.peers[name].fault})
        self.standings = fresh
        self.queue.mark(self.everything())
        return True

    # --- one service ---

    async def _service(self, key: Key) -> None:
        if not self.local.synced or not self.cluster:
            return
        await self._wish(key)
        own = self._own(key)
        await self._publish(key, own)
        # nothing is awaited from here until all that is known has been put together
        exports = [own] if isinstance(own, Export) else []
        exports += [export for peer in self.peers.values() if (export := peer.export(key))]
        # of the same moment as the exports: a peer that is read while we write must not seem to export nothing
        unread = frozenset(name for name, peer in self.peers.items() if not peer.synced)
        merged = merge(exports)
        await self._tell_exporter(key, own, merged, unread)
        if self.local.active(key[0]):
            await self._import(key, merged, unread)

    async def _wish(self, key: Key) -> None:
        """Make the export that the inventory asks for, or remove it when it does no more."""
        export, path = self.local.exports.of(key).get(key[1]), self._path("serviceexports", key)
        chosen = self._chosen(key) and self.local.active(key[0])
        if chosen and export is None:
            await self.writer.create(path, new_export(key, self._version))
        elif export is not None and by_inventory(export) and not chosen:
            await self.writer.remove(path)

    def _own(self, key: Key) -> Export | Refusal | None:
        export = self.local.exports.of(key).get(key[1])
        if export is None:
            return None
        service = self.local.services.of(key).get(key[1])
        return local_export(self.cluster, export, service, self.local.slices.of(key).values())

    async def _publish(self, key: Key, own: Export | Refusal | None) -> None:
        name = exported_name(key)
        path = f"/apis/{OURS}/namespaces/{self._settings.namespace}/exportedservices/{name}"
        found = self.local.published.of(key).get(name)
        if isinstance(own, Export):
            await self.writer.put(path, to_object(own, self._settings.namespace), found)
        elif found is not None:
            await self.writer.remove(path)

    async def _tell_exporter(
        self, key: Key, own: Export | Refusal | None, merged: Merged | None, unread: frozenset[str]
    ) -> None:
        export = self.local.exports.of(key).get(key[1])
        outcome = own if isinstance(own, Refusal) else merged
        if export is not None and outcome is not None and own is not None:
            item = {**export, "apiVersion": f"{MCS}/{self._version}", "kind": "ServiceExport"}
            remark = own.remark if isinstance(own, Export) else ""
            rows = conditions.of_export(outcome, _conditions(export), complete=not unread, remark=remark)
            await self.writer.status(self._path("serviceexports", key), item, rows)

    async def _import(self, key: Key, merged: Merged | None, unread: frozenset[str]) -> None:
        found = self.local.imports.of(key).get(key[1])
        if found is not None and not is_ours(found):
            if key not in self._foreign_told:
                log.error("a ServiceImport of another owner is in the way", extra={"service": "/".join(key)})
                self._foreign_told.add(key)
            return
        # the form of an import with a source that we have not read since our start stays as it is
        kept = bool(unread & set(_sources(found)))
        if merged is None:
            if not kept:
                await self._forget(key, found)
            return
        if not kept:
            found = await self._addressed(key, merged, found)
        await self._slices(key, merged, unread)
        if found is not None:
            await self._tell_import(key, merged, found, None, _sources(found) if kept else merged.clusters)

    async def _addressed(self, key: Key, merged: Merged, found: Object | None) -> Object:
        """Make the derived Service and the ServiceImport that tells its addresses."""
        name = derived_name(key)
        path = f"/api/v1/namespaces/{key[0]}/services/{name}"
        existing = self.local.services.of(key).get(name)
        wanted = desired.derived_service(merged, key)
        addresses: list[str] = []
        families = list(merged.oldest.families)
        problem: ApiError | None = None
        if wanted is not None:
            try:
                stored = await self.writer.put(path, _as_found(wanted, existing), existing)
                addresses, families = stored["spec"]["clusterIPs"], stored["spec"]["ipFamilies"]
            except ApiError as error:
                if error.status not in (400, 422):
                    raise
                problem = error
        import_ = desired.service_import(merged, key, self._version, addresses, families)
        stored = await self.writer.put(self._path("serviceimports", key), import_, found)
        if wanted is None and existing is not None:
            await self.writer.remove(path)
        if problem is not None:
            reason = "IPFamilyNotSupported" if "famil" in problem.message.lower() else "Pending"
            await self._tell_import(key, merged, stored, (reason, problem.message), merged.clusters)
            raise problem
        return stored

    async def _slices(self, key: Key, merged: Merged, unread: frozenset[str]) -> None:
        withdrawn = {name for name, standing in self.standings.items() if standing.withdrawn}
        withdrawn |= desired.passed_over(merged, self.cluster)
        ranges = {name: peer.ranges for name, peer in self.peers.items() if peer.ranges is not None}
        wanted = {
            item["metadata"]["name"]: item for item in desired.slices(merged, key, self.cluster, withdrawn, ranges)
        }
        found = {name: item for name, item in self.local.slices.of(key).items() if is_ours(item)}
        for name, item in wanted.items():
            await self.writer.put(self._slice_path(key, name), item, found.get(name))
        for name, item in found.items():
            if name not in wanted and item["metadata"]["labels"].get(SOURCE_CLUSTER) not in unread - withdrawn:
                await self.writer.remove(self._slice_path(key, name))

    async def _forget(self, key: Key, found: Object | None) -> None:
        """Nobody exports it any more: first the name goes, then the endpoints, then the address."""
        if found is not None:
            await self.writer.remove(self._path("serviceimports", key))
        for name, item in list(self.local.slices.of(key).items()):
            if is_ours(item):
                await self.writer.remove(self._slice_path(key, name))
        if derived_name(key) in self.local.services.of(key):
            await self.writer.remove(f"/api/v1/namespaces/{key[0]}/services/{derived_name(key)}")

    async def _tell_import(
        self, key: Key, merged: Merged, found: Object, problem: tuple[str, str] | None, clusters: Sequence[str]
    ) -> None:
        standings = {name: self.standings[name] for name in {*merged.clusters, *clusters} if name in self.standings}
        item = {**found, "apiVersion": f"{MCS}/{self._version}", "kind": "ServiceImport"}
        rows = conditions.of_import(standings, problem, _conditions(found))
        await self.writer.status(self._path("serviceimports", key), item, rows, clusters)

    def _path(self, plural: str, key: Key) -> str:
        return f"/apis/{MCS}/{self._version}/namespaces/{key[0]}/{plural}/{key[1]}"

    @staticmethod
    def _slice_path(key: Key, name: str) -> str:
        return f"/apis/discovery.k8s.io/v1/namespaces/{key[0]}/endpointslices/{name}"


def _sources(found: Object | None) -> list[str]:
    """Ids of the clusters that an import says it comes from."""
    return [row["cluster"] for row in ((found or {}).get("status") or {}).get("clusters") or ()]


def _conditions(item: Object) -> list[Object]:
    found: list[Object] = (item.get("status") or {}).get("conditions") or []
    return found


def _as_found(wanted: Object, existing: Object | None) -> Object:
    """Keep the second family that the server has given of its own accord."""
    families = (existing or {"spec": {}})["spec"].get("ipFamilies") or []
    if families[:1] == wanted["spec"]["ipFamilies"]:
        return {**wanted, "spec": {**wanted["spec"], "ipFamilies": families}}
    return wanted
