# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pods of one verification or rehearsal in one cluster: made, awaited, asked, taken away."""

from __future__ import annotations

import asyncio
import secrets
import time
from dataclasses import replace
from typing import Any

from ..client.client import Client
from ..client.errors import ApiError
from ..errors import FabricError
from ..facts.nodes import condition
from ..facts.raw import dig, name_of
from ..facts.types import Node
from . import families, leftovers, manifests
from .afterwards import afterwards
from .types import Place

Item = dict[str, Any]

GRACE_SECONDS = 120.0  # pods and namespace outlive the deadline by this before they count as abandoned
_HOPELESS = {"ErrImageNeverPull", "InvalidImageName", "CreateContainerConfigError", "CreateContainerError"}


class Stage:
    """One run's namespace in one cluster. `token`: what the pods want to hear before they check anything."""

    def __init__(
        self, client: Client, *, image: str, token: str, seconds: float, purpose: str = manifests.VERIFY
    ) -> None:
        self._client, self._image, self._token, self._seconds = client, image, token, seconds
        self._purpose = purpose
        self.namespace = f"fabric-{purpose}-{secrets.token_hex(4)}"
        self._made = False

    @property
    def cluster(self) -> str:
        """Name of the cluster."""
        return self._client.ref.name

    def places(self, nodes: list[Node], gateways: tuple[str, ...]) -> list[Place]:
        """One place a node, without address yet."""
        return [
            Place(self.cluster, node.name, f"verify-{number}", node.name in gateways)
            for number, node in enumerate(nodes)
        ]

    async def up(self, places: list[Place], *, wait: float) -> list[Place]:
        """Make a pod at each place and wait up to `wait` seconds for all: the places with address, or with a reason."""
        self._made = True  # before the first request: it may have been served though its answer is lost
        await self._client.apply(manifests.namespace(self.namespace, self._purpose, self.marks))
        await self._client.apply(manifests.account(self.namespace))
        await asyncio.gather(*(self._client.apply(self._pod(place)) for place in places))
        pods: dict[str, Item] = {}
        try:
            async with asyncio.timeout(wait):
                await self._watch(pods, len(places))
        except TimeoutError:
            pass  # the ready ones take part, the others say why they do not
        warnings = {} if all(map(_ready, pods.values())) else await self._warnings()
        return [_located(place, pods.get(place.pod, {}), warnings.get(place.pod, "")) for place in places]

    @property
    def marks(self) -> dict[str, str]:
        """Annotations by which a later run knows what this one left, should it be killed."""
        return leftovers.marks(time.time() + self._seconds + GRACE_SECONDS)

    async def _warnings(self) -> dict[str, str]:
        """The latest warning about each pod, by its name: the kubelet tells there what it waits for."""
        path = f"/api/v1/namespaces/{self.namespace}/events"
        try:
            events = await self._client.list(path, field_selector="type=Warning")
        except FabricError:
            return {}
        events.sort(key=lambda event: str(event.get("lastTimestamp") or event.get("eventTime") or ""))
        return {str(dig(event, "involvedObject", "name")): str(event.get("message") or "") for event in events}

    def _pod(self, place: Place) -> Item:
        seconds = self._seconds + GRACE_SECONDS
        return manifests.pod(place, self.namespace, image=self._image, token=self._token, seconds=seconds)

    async def _watch(self, pods: dict[str, Item], count: int) -> None:
        """Keep `pods` (by name) up to date until each of the `count` is ready or beyond hope."""
        path = f"/api/v1/namespaces/{self.namespace}/pods"
        while True:
            async for kind, item in self._client.watch(path):
                if kind in ("ADDED", "MODIFIED"):
                    pods[name_of(item)] = item
                if len(pods) == count and all(map(_decided, pods.values())):
                    return
            await asyncio.sleep(0.2)  # the server ended the watch; the next one begins with what there is

    async def down(self) -> str:
        """Delete the namespace. Returns a complaint, "" if there is none."""
        if not self._made:
            return ""
        complaint = f"namespace {self.namespace} is left behind; the next run removes it"
        path = f"/api/v1/namespaces/{self.namespace}"
        return await afterwards(self._client.ref, lambda client: client.delete(path), complaint)

    async def check(self, place: Place, request: dict[str, Any], *, timeout: float) -> dict[str, Any]:
        """POST /check to the pod at `place`; see :meth:`ask`."""
        return await self.ask(place, "check", request, timeout=timeout)

    async def ask(self, place: Place, what: str, request: dict[str, Any], *, timeout: float) -> dict[str, Any]:
        """POST to the pod at `place` through the API server. ApiError, Unreachable, FabricError."""
        path = f"/api/v1/namespaces/{self.namespace}/pods/{place.pod}:{manifests.CONTROL_PORT}/proxy/{what}"
        body = {**request, "token": self._token}
        for last in (False, True):
            try:
                answer = await self._client.request("POST", path, body=body, timeout=timeout)
                if isinstance(answer, dict):
                    return answer
                raise FabricError(f"the verifier pod {place.pod} answered with something else.", cluster=place.cluster)
            except ApiError as error:
                # 503: the API server found no way to the pod this time; nothing was checked yet
                if last or error.status != 503:
                    raise
            await asyncio.sleep(1)
        raise AssertionError("unreachable")


def _ready(pod: Item) -> bool:
    return condition(pod, "Ready")


def _decided(pod: Item) -> bool:
    return _ready(pod) or _waiting(pod)[0] in _HOPELESS or _ended(pod)


def _ended(pod: Item) -> bool:
    return dig(pod, "status", "phase") in ("Failed", "Succeeded")


def _waiting(pod: Item) -> tuple[str, str]:
    """Reason and message of the container that waits, or two empty strings."""
    for status in dig(pod, "status", "containerStatuses") or ():
        state = dig(status, "state", "waiting") or {}
        return str(state.get("reason") or ""), str(state.get("message") or "")
    return "", ""


def _located(place: Place, pod: Item, warning: str) -> Place:
    """The place with the pod's address, or with the reason why it is not ready."""
    addresses = [str(entry.get("ip")) for entry in dig(pod, "status", "podIPs") or ()]
    if addresses and _ready(pod):
        return families.located(place, addresses)
    reason, message = _waiting(pod)
    if _ended(pod):
        reason = str(dig(pod, "status", "reason") or dig(pod, "status", "phase"))
        message = str(dig(pod, "status", "message") or "")
    words = ": ".join(word for word in (reason or "not started", message or warning) if word)
    return replace(place, reason=f"verifier pod not ready: {words}")
