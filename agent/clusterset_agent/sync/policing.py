# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Policies in the sync part: publishes the pods that they name, and finds out for the gateways who they are now."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from ansible_collections.clusterset.fabric.plugins.module_utils.client.client import MERGE

from ..cluster_api import Client, FabricError
from ..policy import API, Policies, Policy, digest, good_address, parse_policies
from .collection import Collection
from .export import Export, from_object
from .identities import Identity, Known, OwnPods, Ports, Source, placed, resolve, slim_pod
from .names import OURS, Key, Object, by_name
from .peer import Peer

if TYPE_CHECKING:
    from .engine import Engine

log = logging.getLogger("clusterset.policing")

_SETTLE = 0.02
"""Seconds to wait after news, since changes rarely come alone."""
_LOOK_EVERY = 0.5
_AGAIN_AFTER = 1.0
_KEPT = 10.0
"""Seconds for which former policies are resolved, too, since not every gateway goes over to others at once; and after
which the policies are in force even if some peer has not told its pods."""
_IDENTITIES, _SELECTIONS = "podidentities", "selections"
_KIND = {_IDENTITIES: "PodIdentity", _SELECTIONS: "Selection"}
_API_SERVICE = ("default", "kubernetes")


@dataclass(frozen=True)
class Row:
    """What objects of one base name say, but for the addresses."""

    base: str
    spec: Object


Wanted = dict[str, tuple[Row, frozenset[str]]]
"""By base name."""


class Policing:
    """Works while this cluster has policies; without them it asks nothing."""

    def __init__(self, engine: Engine, client: Client, namespace: str) -> None:
        self._engine, self._client = engine, client
        self._root = f"/apis/{OURS}/namespaces/{namespace}"
        self._namespace = namespace
        self._news = asyncio.Event()
        self._start()

    def _start(self) -> None:
        """Know nothing: what was known of pods while there were no policies would be old."""
        self._dirty = True
        self._pods_changed: set[Key] = set()
        self._own = OwnPods()
        self._policies: Policies | None = None
        self._told: Policies | None = None
        self._former: tuple[Policy, ...] = ()
        self._since = 0.0
        self._checked: dict[tuple[str, str], tuple[Object, frozenset[str]]] = {}
        self._policy = Collection(f"{self._root}/fabricpolicies", by_name, self._called, only="local")
        self._pods = Collection("/api/v1/pods", _pod, self._pods_called, slim=slim_pod)
        self._found = {kind: Collection(f"{self._root}/{kind}", _based, self._called) for kind in _KIND}

    async def run(self) -> None:
        """Publish and find out until cancelled."""
        while True:
            await self._until(lambda: self._on)
            self._start()
            collections = (self._policy, self._pods, *self._found.values())
            tasks = [asyncio.create_task(each.follow(self._client)) for each in collections]
            tasks.append(asyncio.create_task(self._work()))
            try:
                await self._until(lambda: not self._on)
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
            for peer in self._engine.peers.values():
                peer.police(None)

    @property
    def _on(self) -> bool:
        local = self._engine.local
        fabric = local.fabrics.named.get("local") if local.synced else None
        return bool(self._engine.cluster and fabric and fabric["spec"].get("policies"))

    async def _until(self, good: Callable[[], bool]) -> None:
        while True:
            if good():
                return
            await asyncio.sleep(_LOOK_EVERY)

    def _called(self, _keys: Iterable[Key] = ()) -> None:
        self._dirty = True
        self._news.set()

    def _pods_called(self, keys: Iterable[Key]) -> None:
        self._pods_changed.update(keys)
        self._news.set()

    async def _work(self) -> None:
        around: object = None
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), _LOOK_EVERY)
                await asyncio.sleep(_SETTLE)
            for peer in self._engine.peers.values():
                peer.police(self._called)
            try:
                now = self._around()
                self._dirty |= now != around
                if self._news.is_set() or self._dirty:
                    self._news.clear()
                    await self._reconcile()
                    around = now
            except Exception as error:  # whatever it is, services must go on
                log.warning("not done", extra={"error": str(error) if isinstance(error, FabricError) else repr(error)})
                self._dirty = True
                await asyncio.sleep(_AGAIN_AFTER)

    def _around(self) -> object:
        """What matters besides pods: who lives, whom we have read, and what is exported by the names in policies."""
        engine = self._engine
        exports = [
            export for key in self._exported() for cluster in [*engine.peers, ""] for export in self._of(cluster, key)
        ]
        read = {name: peer.identities.synced for name, peer in engine.peers.items()}
        return dict(engine.standings), read, self._fresh, exports, dict(engine.local.services.of(_API_SERVICE))

    @property
    def _fresh(self) -> bool:
        """Whether the policies have changed a moment ago."""
        return time.monotonic() - self._since < _KEPT

    def _exported(self) -> Iterator[Key]:
        for selector in self._policies.selectors if self._policies else ():
            if selector.export:
                namespace, _slash, name = selector.export.partition("/")
                yield namespace, name

    def _of(self, cluster: str, key: Key) -> list[Export]:
        """What a peer, or this cluster for "", exports of a service."""
        if cluster:
            peer = self._engine.peers.get(cluster)
            found = peer.export(key) if peer else None
            return [found] if found else []
        items = self._engine.local.published.of(key).values()
        return [from_object(self._engine.cluster, item) for item in items]

    # --- one round ---

    async def _reconcile(self) -> None:
        item = self._policy.named.get("local")
        if item is None or not all(each.synced for each in (self._pods, *self._found.values())):
            return
        others = self._go_over(parse_policies(item["spec"]))
        if not self._take() and not self._dirty and not others:
            return
        self._dirty = False
        assert self._policies is not None
        own = self._own.known
        identities = dict(_identity_row(identity, addresses) for identity, addresses in own.items())
        resolved = resolve(self._policies, [Source(self._engine.cluster, own, partial(self._of, "")), *self._peers()])
        self._keep_unread(resolved)
        selections = dict(_selection_row(key, addresses) for key, addresses in resolved.items())
        selections |= self._api()
        steps = [(_IDENTITIES, identities), (_SELECTIONS, selections)]
        # an address may soon be another pod's: what is gone is taken back everywhere before anything is added
        for kind, wanted in steps if not others else ():  # other policies give nobody another address
            await self._write(kind, wanted, adding=False)
        for kind, wanted in reversed(steps):
            await self._write(kind, wanted, adding=True)
        await self._tell(item)

    async def _tell(self, policy: Object) -> None:
        """Say that the policies, and all pods that they name, are known: who has applied them waits for it."""
        told: Object = {"observedGeneration": policy["metadata"]["generation"]}
        if policy.get("status") != told and not (self._unread() and self._fresh):
            path = f"{self._root}/fabricpolicies/local/status"
            await self._client.request("PATCH", path, body={"status": told}, content_type=MERGE)

    def _go_over(self, policies: Policies) -> bool:
        """Go by these policies, and for a while by the former ones, too; return whether that is something else."""
        if self._told is None or policies != self._told:
            self._former = self._told.policies if self._told else ()
            self._told, self._since = policies, time.monotonic()
        kept = self._former if self._fresh else ()
        both = Policies(policies.default_allow, (*policies.policies, *kept))
        if both == self._policies:
            return False
        self._policies, self._own = both, OwnPods()
        self._pods_changed |= self._pods.keys
        return True

    def _take(self) -> bool:
        """Take in the pods that have changed; return whether it matters."""
        assert self._policies is not None
        changed, self._pods_changed = self._pods_changed, set()
        pods = [(key, next(iter(self._pods.of(key).values()), None)) for key in changed]
        matters = [self._own.take(key, pod, self._engine.cluster, self._policies) for key, pod in pods]
        return any(matters)

    def _peers(self) -> Iterator[Source]:
        """The peers that live; of one that is dead or fenced nothing is let through by its labels."""
        for name, peer in self._engine.peers.items():
            standing = self._engine.standings.get(name)
            if standing is None or not standing.withdrawn:
                yield Source(name, self._identities(name, peer), partial(self._of, name), peer.owns)

    def _identities(self, name: str, peer: Peer) -> Known:
        """A peer's pods by identity: only addresses of its own, since it must not speak for others."""
        found: dict[Identity, frozenset[str]] = {}
        for item in peer.identities.named.values():
            with contextlib.suppress(KeyError, TypeError, AttributeError):  # one that makes no sense names nobody
                spec = item["spec"]
                identity = Identity(spec["namespace"], tuple(sorted((spec.get("labels") or {}).items())))
                found[identity] = found.get(identity, frozenset()) | self._own_of(name, peer, item)
        return found

    def _own_of(self, name: str, peer: Peer, item: Object) -> frozenset[str]:
        key = (name, item["metadata"]["name"])
        if self._checked.get(key, (None,))[0] is not item:
            self._checked[key] = (item, frozenset(filter(peer.owns, item["spec"]["addresses"])))
        return self._checked[key][1]

    def _unread(self) -> list[Peer]:
        """Peers that may live, and of which we know no pods yet."""
        standings = self._engine.standings
        return [
            peer
            for name, peer in self._engine.peers.items()
            if not peer.identities.synced and not (name in standings and standings[name].withdrawn)
        ]

    def _keep_unread(self, resolved: dict[tuple[str, Ports], frozenset[str]]) -> None:
        """What earlier rounds found of a peer that we have not read since our start stays until we have."""
        unread = self._unread()
        found = self._found[_SELECTIONS]
        for item in found.named.values() if unread else ():
            key = (item["spec"]["selector"], tuple(item["spec"].get("ports") or ()))
            kept = {each for each in item["spec"]["addresses"] if any(peer.owns(each) for peer in unread)}
            if kept and key[0] != API:
                resolved[key] = resolved.get(key, frozenset()) | kept

    def _api(self) -> Wanted:
        """The API server's own Service, which peers' sync parts call whatever the policies say."""
        service = self._engine.local.services.of(_API_SERVICE).get("kubernetes")
        if service is None:
            return {}
        ports = tuple(f"tcp/{row['port']}" for row in service["spec"].get("ports") or ())
        addresses = frozenset(map(good_address, service["spec"].get("clusterIPs") or ()))
        return dict([_selection_row((API, ports), addresses)])

    # --- writing ---

    async def _write(self, kind: str, wanted: Wanted, *, adding: bool) -> None:
        """Bring the objects of a kind to what is wanted; without ``adding`` only what is no longer wanted goes."""
        found, tasks = self._found[kind], []
        for base in sorted({key[0] for key in found.keys} | wanted.keys()):
            row, addresses = wanted.get(base, (Row(base, {}), frozenset()))
            items = dict(found.of((base, "")))
            now = {name: item["spec"]["addresses"] for name, item in items.items()}
            target = placed(now, addresses, base)
            for name in now.keys() - target.keys():
                tasks.append(self._remove(kind, items[name]))
            for name, rows in target.items():
                held = rows if adding else rows.intersection(now.get(name, ()))
                if held and (adding or len(held) < len(now[name])):
                    tasks.append(self._put(kind, name, row, held))
        await asyncio.gather(*tasks)

    async def _remove(self, kind: str, item: Object) -> None:
        await self._engine.writer.remove(f"{self._root}/{kind}/{item['metadata']['name']}")
        self._found[kind].note(item, gone=True)

    async def _put(self, kind: str, name: str, row: Row, addresses: frozenset[str]) -> None:
        body = {
            "apiVersion": OURS,
            "kind": _KIND[kind],
            "metadata": {"name": name, "namespace": self._namespace},
            "spec": {**row.spec, "addresses": sorted(addresses)},
        }
        found = self._found[kind]
        stored = await self._engine.writer.put(f"{self._root}/{kind}/{name}", body, found.of((row.base, "")).get(name))
        found.note(stored)


def _identity_row(identity: Identity, addresses: frozenset[str]) -> tuple[str, tuple[Row, frozenset[str]]]:
    base = digest([identity.namespace, identity.labels])
    return base, (Row(base, {"namespace": identity.namespace, "labels": dict(identity.labels)}), addresses)


def _selection_row(key: tuple[str, Ports], addresses: frozenset[str]) -> tuple[str, tuple[Row, frozenset[str]]]:
    base = digest(list(key))
    return base, (Row(base, {"selector": key[0], "ports": list(key[1])}), addresses)


def _based(item: Object) -> Key | None:
    return item["metadata"]["name"].rpartition("-")[0], ""


def _pod(item: Object) -> Key | None:
    return item["metadata"]["namespace"], item["metadata"]["name"]
