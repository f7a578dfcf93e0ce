# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waiting for what the agents say of themselves: keys of gateways, links that are up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from typing import Any

from ..client.client import Client
from ..client.errors import ApiError
from ..errors import FabricError
from ..facts.owned import GROUP, NAMESPACE, gateway_of
from ..facts.types import Gateway
from ..objects.links import expected_links
from ..plan.types import ClusterPlan
from .types import Progress

OURS = f"/apis/{GROUP}/v1alpha1/namespaces/{NAMESPACE}"
FIX = f"look at the pods of DaemonSet {NAMESPACE}/fabric-agent and their logs"
MARGIN = 2.0  # seconds of the deadline that are left to say what was waited for
Object = dict[str, Any]
State = Mapping[str, Object]
"""The objects of one kind, by name."""


class Overdue(Exception):  # noqa: N818 - time is over, which is no error yet
    """The time is over; ``missing`` names what was waited for."""

    def __init__(self, missing: Sequence[str]) -> None:
        super().__init__(", ".join(missing))
        self.missing = tuple(missing)


async def wait_for_gateways(client: Client, cluster: ClusterPlan, progress: Progress) -> tuple[Gateway, ...]:
    """What every planned gateway has published, once that is its tunnel address and a key of each generation.

    Keys of other generations must be gone: after a rollback a number is used again, for another key.

    :raises FabricError: when the client's deadline nears first; names the gateways that are missing.
    """
    wanted = {gateway.node for gateway in cluster.gateways}
    generations = set(cluster.key_generations)
    say = Teller(client, progress)

    def missing(found: State) -> list[str]:
        gateways = map(gateway_of, found.values())
        ready = {each.node for each in gateways if each.tunnel_address and generations == _generations(each)} & wanted
        say(f"{len(ready)} of {len(wanted)} gateways have published their keys")
        return sorted(wanted - ready)

    try:
        found = await until(client, "gateways", missing)
    except Overdue as overdue:
        numbers = " and ".join(map(str, sorted(generations)))
        message = f"no key of generation {numbers}, or one of another, was published by gateway {overdue}"
        raise FabricError(message, cluster=client.ref.name, fix=FIX) from overdue
    return tuple(sorted((each for each in map(gateway_of, found.values()) if each.node in wanted), key=_node))


async def wait_for_links(client: Client, cluster: ClusterPlan, peers: Sequence[Object], progress: Progress) -> bool:
    """True once every link of this cluster's gateways to those of ``peers`` is up, in its newest generation.

    :raises FabricError: when the client's deadline nears first; names the links that are not up.
    """
    wanted = {link for peer in peers for link in expected_links(cluster, peer)}
    say = Teller(client, progress)

    def missing(found: State) -> list[str]:
        up = {identity(link) for link in found.values() if state_of(link) == "Up"} & wanted
        say(f"{len(up)} of {len(wanted)} links are up")
        return [in_words(link) for link in sorted(wanted - up)]

    try:
        await until(client, "links", missing)
    except Overdue as overdue:
        fix = f"let packets pass between the gateways' endpoints, or {FIX}"
        raise FabricError(f"links are not up: {overdue}", cluster=client.ref.name, fix=fix) from overdue
    return True


async def until(
    client: Client, kind: str, missing: Callable[[State], Sequence[str]], *, seconds: float | None = None
) -> State:
    """All objects of a kind of ours, as soon as ``missing`` names nothing; it is asked after each change.

    :param seconds: how long to wait; None is as long as the client's deadline allows.
    :raises Overdue: when the time is over first.
    """
    lacking: Sequence[str] = ()
    limit = client.remaining - MARGIN if seconds is None else seconds
    try:
        async with asyncio.timeout(limit), aclosing(_states(client, f"{OURS}/{kind}")) as states:
            async for found in states:
                lacking = missing(found)
                if not lacking:
                    return found
    except TimeoutError as error:
        raise Overdue(lacking) from error
    raise Overdue(lacking)


async def _states(client: Client, path: str) -> AsyncGenerator[State, None]:
    """All objects of a collection by name: now, and again after each change, without end."""
    while True:
        listing = await client.list(path)
        found = {item["metadata"]["name"]: item for item in listing}
        yield found
        try:
            async for event, item in client.watch(path, resource_version=listing.resource_version):
                if event in ("ADDED", "MODIFIED"):
                    found[item["metadata"]["name"]] = item
                elif event == "DELETED":
                    found.pop(item["metadata"]["name"], None)
                else:
                    continue
                yield found
        except ApiError as error:
            if error.status != 410:
                raise


class Teller:
    """One cluster's progress: tells a text only if it is not the one told last, and nothing of a start from nothing."""

    def __init__(self, client: Client, progress: Progress) -> None:
        self._cluster, self._progress, self._last = client.ref.name, progress, ""

    def __call__(self, text: str) -> None:
        if text != self._last and not text.startswith("0 "):
            self._progress(self._cluster, text)
        self._last = text


def identity(link: Object) -> tuple[str, str, str, int, int]:
    """A Link object's node, peer, remote gateway, number and generation."""
    spec = link["spec"]
    number, generation = int(spec.get("number") or 0), int(spec.get("generation") or 0)
    return spec["node"], spec["peer"], spec["remoteGateway"], number, generation


def in_words(link: tuple[str, str, str, int, int]) -> str:
    """A link's identity, for people."""
    node, peer, remote, number, generation = link
    return f"{node} to {peer}/{remote} (link {number}, keys {generation})"


def state_of(link: Object) -> str:
    """Up, Down, Connecting, or "" where its agent has not reported yet."""
    return str((link.get("status") or {}).get("state", ""))


def _generations(gateway: Gateway) -> set[int]:
    return {key.generation for key in gateway.keys}


def _node(gateway: Gateway) -> str:
    return gateway.node
