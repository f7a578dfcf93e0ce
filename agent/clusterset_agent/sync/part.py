# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sync part: two replicas, of which one works; everything that it runs at the same time."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import signal
from typing import Any

from ansible_collections.clusterset.fabric.plugins.module_utils.client.client import MERGE, Client, open_client
from ansible_collections.clusterset.fabric.plugins.module_utils.client.types import ClusterRef

from ..cluster_api import FabricError
from ..version import VERSION
from .election import Election, stay_alive
from .engine import Engine
from .gateways import PeerGateways
from .local import served_version
from .names import OURS, Object
from .office import Office
from .pages import SyncPages
from .peer import Peer
from .policing import Policing
from .settings import SyncSettings
from .wishes import rules_of

log = logging.getLogger("clusterset.sync")

_LOOK_EVERY = 0.2
_FULL_LOOK_EVERY = 300.0
"""Seconds after which every service is looked at again, in case that something was missed."""


class SyncPart:
    """All tasks of one replica."""

    def __init__(self, settings: SyncSettings) -> None:
        self.settings = settings
        self.engine: Engine | None = None
        self.election: Election | None = None
        self._following: dict[str, asyncio.Task[None]] = {}
        self._told: dict[str, Object] = {}
        self._client: Client
        self._gateways: PeerGateways

    async def run(self, stop: asyncio.Event | None = None) -> None:
        """Run until ``stop`` is set, or by SIGTERM; nothing is withdrawn then.

        :raises AgentError: the lease was lost; another replica is active.
        """
        ending = stop or _on_signal()
        ref = ClusterRef("local", self.settings.kubeconfig or None, in_cluster=not self.settings.kubeconfig)
        self._client = await open_client(ref, deadline=math.inf)
        async with self._client:
            self.election = Election(self._client, self.settings)
            pages = SyncPages(self)
            tasks: list[asyncio.Task[Any]] = [
                asyncio.create_task(work)
                for work in (
                    self.election.run(),
                    self._active(),
                    pages.serve(self.settings.address, self.settings.port),
                    ending.wait(),
                )
            ]
            log.info("started", extra={"pod": self.settings.pod, "version": VERSION})
            done, rest = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in [*rest, *self._following.values()]:
                task.cancel()
            await asyncio.gather(*rest, *self._following.values(), return_exceptions=True)
            for task in done:
                task.result()
            with contextlib.suppress(FabricError):
                await self.election.resign()
        log.info("stopped")

    async def _active(self) -> None:
        """What the active replica does."""
        assert self.election is not None
        await self.election.won.wait()
        engine = Engine(self._client, self.settings, await served_version(self._client))
        self.engine = engine
        self._gateways = PeerGateways(self._client, self.settings, engine)
        await asyncio.gather(
            engine.local.follow(self._client),
            engine.queue.run(),
            stay_alive(self._client, self.settings),
            self._gateways.run(),
            Office(self._client, self.settings, engine).run(),
            self._look_around(engine),
            self._look_at_all(engine),
            Policing(engine, self._client, self.settings.namespace).run(),
        )

    async def _look_around(self, engine: Engine) -> None:
        """Follow who our peers are, and judge whether they live."""
        began = False
        while True:
            await asyncio.sleep(_LOOK_EVERY)
            if not engine.local.synced:
                continue
            if engine.surroundings_changed() or not began:
                await self._learn(engine)
            if (engine.judge_peers() or not began) and engine.cluster:
                began = True
                engine.queue.mark(engine.everything())
            await self._tell_peers(engine)

    async def _look_at_all(self, engine: Engine) -> None:
        while True:
            await asyncio.sleep(_FULL_LOOK_EVERY)
            engine.queue.mark(engine.everything())

    async def _learn(self, engine: Engine) -> None:
        """Take in Fabric, Peers and Secrets as they are now."""
        local = engine.local
        fabric = local.fabrics.named.get("local")
        leaving = fabric is not None and fabric["spec"].get("state") == "Leaving"
        engine.cluster = "" if fabric is None or leaving else fabric["spec"]["clusterID"]
        rules = rules_of(fabric)
        if rules != engine.rules:
            engine.rules = rules
            engine.queue.mark(engine.everything())
        wanted, secrets = local.peers.named, local.secrets.named
        for name in engine.peers.keys() - wanted.keys():
            await self._part_from(engine, name)
        for name, item in wanted.items():
            peer = engine.peers.get(name)
            if peer is None:
                peer = engine.peers[name] = Peer(
                    name, self.settings, self._client, engine.queue.mark, self._gateways.wake
                )
                self._following[name] = asyncio.create_task(peer.run())
            peer.learn(item["spec"], item["metadata"].get("annotations") or {})
            peer.take(secrets.get(f"peer-{name}"))
        self._gateways.wake()

    async def _part_from(self, engine: Engine, name: str) -> None:
        """The peer has left: what it exported goes with it."""
        touched = engine.everything()
        task = self._following.pop(name)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        del engine.peers[name]
        self._told.pop(name, None)
        engine.queue.mark(touched)

    async def _tell_peers(self, engine: Engine) -> None:
        """Write into each Peer's status how its services stand."""
        for name, standing in engine.standings.items():
            peer = engine.peers.get(name)
            if peer is None:
                continue
            words = "" if standing.name == "ALIVE" else f"{standing.value}{': ' if peer.fault else ''}{peer.fault}"
            told: Object = {"state": standing.name.capitalize(), "message": words, "exports": len(peer.keys)}
            if self._told.get(name) != told:
                path = f"/apis/{OURS}/namespaces/{self.settings.namespace}/peers/{name}/status"
                with contextlib.suppress(FabricError):
                    await self._client.request("PATCH", path, body={"status": {"services": told}}, content_type=MERGE)
                self._told[name] = told


def _on_signal() -> asyncio.Event:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop
