# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One of two replicas is active: it holds a Lease. The same Leases are a cluster's sign of life for its peers."""

from __future__ import annotations

import asyncio
import logging
import time
from datetime import UTC, datetime

from ..cluster_api import ApiError, Client, FabricError
from ..faults import AgentError
from .names import ALIVE_LEASE, LEADER_LEASE, Object
from .settings import SyncSettings

log = logging.getLogger("clusterset.sync")

_TRY_EVERY = 1.0
_REQUEST_SECONDS = 2.0


def now_text() -> str:
    """Return the time as Leases write it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


class Election:
    """Our part in the election. ``won`` is set from the moment when we hold the Lease."""

    def __init__(self, client: Client, settings: SyncSettings) -> None:
        self.won = asyncio.Event()
        self._client = client
        self._settings = settings
        self._path = f"/apis/coordination.k8s.io/v1/namespaces/{settings.namespace}/leases"
        self._seen: tuple[object, float] = (None, time.monotonic())
        self._renewed = time.monotonic()

    async def run(self) -> None:
        """Get and keep the Lease.

        :raises AgentError: we had it and lost it. The process must end, since another one is active now.
        """
        while True:
            try:
                held = await self._try()
            except FabricError as error:
                log.warning("the leader's lease cannot be written", extra={"error": str(error)})
                held = False
            if held:
                self._renewed = time.monotonic()
                if not self.won.is_set():
                    log.info("active", extra={"pod": self._settings.pod})
                    self.won.set()
            elif self.won.is_set() and time.monotonic() - self._renewed > self._settings.lease_seconds * 0.7:
                raise AgentError("the leader's lease is lost")
            await asyncio.sleep(_TRY_EVERY)

    async def resign(self) -> None:
        """Give the Lease back, so that the other replica need not wait for its end."""
        if self.won.is_set():
            lease = await self._client.try_get(f"{self._path}/{LEADER_LEASE}")
            if lease and lease["spec"].get("holderIdentity") == self._settings.pod:
                lease["spec"]["holderIdentity"] = ""
                await self._write("PUT", lease)

    async def _try(self) -> bool:
        lease = await self._client.try_get(f"{self._path}/{LEADER_LEASE}")
        me, now = self._settings.pod, time.monotonic()
        if lease is None:
            return await self._write("POST", self._fresh())
        spec = lease["spec"]
        holder, mark = spec.get("holderIdentity") or "", (spec.get("holderIdentity"), spec.get("renewTime"))
        if mark != self._seen[0]:
            self._seen = (mark, now)
        # by our own clock since we saw it change: the holder's clock may differ
        if holder not in ("", me) and now - self._seen[1] < self._settings.lease_seconds:
            return False
        changes = 0 if holder == me else 1
        transitions = int(spec.get("leaseTransitions") or 0) + changes
        lease["spec"] = {**spec, **self._fresh()["spec"], "leaseTransitions": transitions}
        return await self._write("PUT", lease)

    def _fresh(self) -> Object:
        spec = {
            "holderIdentity": self._settings.pod,
            "leaseDurationSeconds": int(self._settings.lease_seconds),
            "renewTime": now_text(),
        }
        metadata = {"name": LEADER_LEASE, "namespace": self._settings.namespace}
        return {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata, "spec": spec}

    async def _write(self, method: str, lease: Object) -> bool:
        path = self._path if method == "POST" else f"{self._path}/{LEADER_LEASE}"
        try:
            await self._client.request(method, path, body=lease, timeout=_REQUEST_SECONDS)
        except ApiError as error:
            if error.status == 409:  # the other replica was faster
                return False
            raise
        return True


async def stay_alive(client: Client, settings: SyncSettings) -> None:
    """Renew the sign of life that peers follow, until cancelled."""
    path = f"/apis/coordination.k8s.io/v1/namespaces/{settings.namespace}/leases/{ALIVE_LEASE}"
    while True:
        spec = {
            "holderIdentity": settings.pod,
            "leaseDurationSeconds": max(1, int(settings.peer_timeout)),
            "renewTime": now_text(),
        }
        metadata = {"name": ALIVE_LEASE, "namespace": settings.namespace}
        body = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata, "spec": spec}
        try:
            params = {"fieldManager": "fabric-sync", "force": "true"}
            await client.request(
                "PATCH",
                path,
                params=params,
                body=body,
                content_type="application/apply-patch+yaml",
                timeout=_REQUEST_SECONDS,
            )
        except FabricError as error:
            log.warning("no sign of life could be given", extra={"error": str(error)})
        await asyncio.sleep(settings.alive_seconds)
