# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One peer: its credential, what it exports, its sign of life."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import ipaddress
import logging
import math
import random
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from ansible_collections.clusterset.fabric.plugins.module_utils.client.access import in_memory
from ansible_collections.clusterset.fabric.plugins.module_utils.client.client import MERGE
from ansible_collections.clusterset.fabric.plugins.module_utils.client.tokens import request_token
from ansible_collections.clusterset.fabric.plugins.module_utils.client.types import ClusterRef

from ..cluster_api import ApiError, Client, FabricError
from .collection import Collection
from .desired import Network
from .export import Export, from_object
from .names import ALIVE_LEASE, OURS, Key, Object, by_name
from .settings import SyncSettings

log = logging.getLogger("clusterset.sync")

EXPIRES = "fabric.clusterset.io/expires"
ISSUED = "fabric.clusterset.io/issued"
REFUSED = "fabric.clusterset.io/refused"
_CHECK_EVERY = 1.0
_RENEW_EVERY = 30.0
_FIRST_ANSWER = 10.0
"""Seconds that a new connection has for its first sign of life."""


@dataclass(frozen=True)
class Credential:
    """How a peer is reached: what the Secret ``peer-<id>`` holds. Times are seconds since the epoch."""

    server: str
    ca: str
    token: str
    account: str
    server_name: str = ""
    issued: float = 0.0
    expires: float = math.inf

    @classmethod
    def of(cls, secret: Object) -> Credential | None:
        """Read a Secret; None if something is missing in it."""
        data = {name: base64.b64decode(value).decode() for name, value in (secret.get("data") or {}).items()}
        notes = secret["metadata"].get("annotations") or {}
        if not all(data.get(name) for name in ("server", "ca.crt", "token", "account")):
            return None
        issued, expires = (_seconds(notes.get(name, "")) for name in (ISSUED, EXPIRES))
        name = data.get("server-name", "")
        return cls(
            data["server"], data["ca.crt"], data["token"], data["account"], name, issued or 0.0, expires or math.inf
        )

    def due(self, now: float, share: float) -> bool:
        """Whether it is time for the next token."""
        return self.expires - now < share * (self.expires - self.issued)


def _seconds(text: str) -> float | None:
    with contextlib.suppress(ValueError):
        return datetime.fromisoformat(text).timestamp()
    return None


def stamp(seconds: float) -> str:
    """Return a time as RFC 3339."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Peer:
    """Follows one peer for as long as it is one. What it exported stays known while it does not answer."""

    def __init__(
        self,
        name: str,
        settings: SyncSettings,
        local: Client,
        changed: Callable[[Iterable[Key]], None],
        regrouped: Callable[[], None] = lambda: None,
    ) -> None:
        self.name = name
        self.ranges: list[Network] | None = None
        self.via = ""
        self.fenced = False
        self.started = time.monotonic()
        self.heard: float | None = None
        self.fault = "there is no credential for it yet"
        self.secret: Object | None = None
        self._settings = settings
        self._local = local
        self._renewal: object = None
        self._renew_at = -math.inf
        self._credential: Credential | None = None
        self._news = asyncio.Event()
        root = f"/apis/{OURS}/namespaces/{settings.namespace}/exportedservices"
        self._exports = Collection(root, _key_of, changed, wary=True)
        leases = f"/apis/coordination.k8s.io/v1/namespaces/{settings.namespace}/leases"
        self._alive = Collection(leases, self._hear, lambda _keys: None, only=ALIVE_LEASE)
        gateways = f"/apis/{OURS}/namespaces/{settings.namespace}/gateways"
        self.gateways = Collection(gateways, by_name, lambda _keys: regrouped(), wary=True)
        identities = f"/apis/{OURS}/namespaces/{settings.namespace}/podidentities"
        self.identities = Collection(identities, by_name, self._identities_changed, wary=True)
        self._policed: Callable[[], None] | None = None

    @property
    def _followed(self) -> tuple[Collection, ...]:
        always = self._exports, self._alive, self.gateways
        return (*always, self.identities) if self._policed else always

    @property
    def synced(self) -> bool:
        """Whether we have ever read what it exports."""
        return self._exports.synced

    @property
    def keys(self) -> set[Key]:
        """The services that it exports."""
        return self._exports.keys

    def seconds_left(self) -> float | None:
        """How long our credential at it still lasts; None if there is none, or it says nothing of an end."""
        ends = self._credential.expires if self._credential else math.inf
        return None if math.isinf(ends) else ends - time.time()

    def export(self, key: Key) -> Export | None:
        """Return what it exports of a service."""
        return next((from_object(self.name, item) for item in self._exports.of(key).values()), None)

    def owns(self, address: str) -> bool:
        """Whether an address is in the ranges of its pods and services; False for what is no address."""
        with contextlib.suppress(ValueError):
            found = ipaddress.ip_address(address)
            return any(found in network for network in self.ranges or () if network.version == found.version)
        return False

    def police(self, changed: Callable[[], None] | None) -> None:
        """Follow the identities of its pods, too, and call ``changed`` when they change; None: no longer."""
        other = (changed is None) != (self._policed is None)
        self._policed = changed
        if other:
            self._news.set()

    def _identities_changed(self, _keys: Iterable[Key]) -> None:
        if self._policed:
            self._policed()

    def learn(self, spec: Object, annotations: Object) -> None:
        """Take in the Peer object."""
        ranges = [*(spec.get("podCIDRs") or ()), *(spec.get("serviceCIDRs") or ())]
        self.ranges = [ipaddress.ip_network(each) for each in ranges]
        self.via = spec.get("via") or ""
        self.fenced = annotations.get("fabric.clusterset.io/fenced") == "true"

    def take(self, secret: Object | None) -> None:
        """Take in the Secret, new or changed."""
        if secret != self.secret:
            self.secret = secret
            fresh = Credential.of(secret) if secret else None
            if fresh != self._credential:
                self._credential = fresh
                self._news.set()

    async def run(self) -> None:
        """Connect, follow, and connect anew, until cancelled."""
        pause = 0.2
        while True:
            self._news.clear()
            credential = self._credential
            if credential is None:
                await self._news.wait()
                continue
            began = time.monotonic()
            try:
                await self._session(credential)
            except FabricError as error:
                self.fault = str(error)
                log.warning("peer does not answer", extra={"peer": self.name, "error": str(error)})
            if time.monotonic() - began > 3 * _FIRST_ANSWER:
                pause = 0.2
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), pause * random.uniform(0.5, 1.5))
            pause = min(pause * 2, 2.0)

    async def _session(self, credential: Credential) -> None:
        """Follow until the credential changes, or nothing is heard any more: old connections may hang for minutes."""
        ref = ClusterRef(self.name)
        access = await in_memory(ref, credential.server, credential.ca, credential.token, credential.server_name)
        async with Client(access, deadline=math.inf, lanes=4) as client:
            following = [asyncio.create_task(each.follow(client)) for each in self._followed]
            try:
                await self._watch_over(client, credential)
            finally:
                for task in following:
                    task.cancel()
                await asyncio.gather(*following, return_exceptions=True)

    async def _watch_over(self, client: Client, credential: Credential) -> None:
        began = time.monotonic()
        while not self._news.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), _CHECK_EVERY)
            now = time.monotonic()
            self.fault = self._alive.fault or self._exports.fault
            if "401" in self.fault:
                await self._note_refused()
            fresh = self.heard is not None and now - self.heard < 2 * self._settings.peer_timeout
            if not fresh and now - began > _FIRST_ANSWER:
                return
            if fresh and now >= self._renew_at and credential.due(time.time(), self._settings.renew_share):
                self._renew_at = now + _RENEW_EVERY
                await self._renew(client, credential)

    async def _renew(self, client: Client, credential: Credential) -> None:
        """Get the next token for our own account at the peer, and keep it in the Secret; the change starts anew."""
        settings, now = self._settings, time.time()
        try:
            token = await request_token(client, settings.namespace, credential.account, settings.token_seconds)
            data = {"token": base64.b64encode(token.text.encode()).decode()}
            notes = {ISSUED: stamp(now), EXPIRES: token.until, REFUSED: None}
            await self._patch({"metadata": {"annotations": notes}, "data": data})
            log.info("token renewed", extra={"peer": self.name, "until": notes[EXPIRES]})
        except FabricError as error:
            log.warning("token not renewed", extra={"peer": self.name, "error": str(error)})

    async def _note_refused(self) -> None:
        """Say that the peer refuses the token: the next run of the playbook gives another one."""
        notes = ((self.secret or {}).get("metadata") or {}).get("annotations") or {}
        if notes.get(REFUSED) != "true":
            with contextlib.suppress(FabricError):
                await self._patch({"metadata": {"annotations": {REFUSED: "true"}}})

    async def _patch(self, change: Object) -> None:
        path = f"/api/v1/namespaces/{self._settings.namespace}/secrets/peer-{self.name}"
        try:
            await self._local.request("PATCH", path, body=change, content_type=MERGE)
        except ApiError as error:
            if error.status != 404:
                raise

    def _hear(self, lease: Object) -> Key | None:
        """A sign of life counts from the moment when we see it change: clocks of two clusters are never compared."""
        renewal = lease["spec"].get("renewTime")
        if renewal != self._renewal:
            # the first one that we see may be old: only a change proves anything
            if self._renewal is not None:
                self.heard = time.monotonic()
            self._renewal = renewal
        return None


def _key_of(item: Object) -> Key | None:
    spec = item.get("spec") or {}
    return (spec["namespace"], spec["name"]) if spec.get("namespace") and spec.get("name") else None
