# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A gateway's policies: followed in the API, and programmed as soon as they or the pods that they name change."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from prometheus_client.core import CounterMetricFamily, Metric

from .cluster_api import API_VERSION, Client, Object
from .families import IPV4, IPV6
from .faults import AgentError
from .policy import CLOSED, Policies, good_address, good_ports, parse_policies
from .policy_rules import Ports, Rules, render_policies
from .policy_table import PolicyTable
from .situation import Situation
from .sync.collection import Collection
from .sync.names import Key, by_name

if TYPE_CHECKING:
    from .node import NodeAgent

log = logging.getLogger("clusterset.policing")

_SETTLE = 0.02
"""Seconds to wait after news: a change of a pod's labels comes as two objects."""
_LOOK_EVERY = 0.5


class Policing:
    """Keeps the tables of policies of one node; they are there on gateways of clusters that have policies.

    ``in_force`` is the generation of FabricPolicy that is enforced; 0 for none.
    """

    def __init__(self, node: NodeAgent) -> None:
        self._node = node
        self._tables = {IPV4: PolicyTable("ip"), IPV6: PolicyTable("ip6")}
        self._news = asyncio.Event()
        self._passing = False
        self._inherited = True  # until we have programmed a table ourselves, or have seen that there is none
        self._counts: dict[str, int] = {}
        self._forget()

    def _forget(self) -> None:
        self.in_force = 0
        self._chunks: dict[str, tuple[str, Ports, frozenset[str]]] = {}
        self._known: Policies | None = None
        self._generation = 0
        root = f"/apis/{API_VERSION}/namespaces/{self._node.settings.namespace}"
        self._policies = Collection(f"{root}/fabricpolicies", by_name, self._policies_changed, only="local")
        self._selections = Collection(f"{root}/selections", by_name, self._selections_changed)

    @property
    def wanted(self) -> bool:
        """Whether this node has to enforce policies."""
        situation = self._node.situation()
        return situation is not None and situation.gateway is not None and situation.fabric.policies

    async def run(self) -> None:
        """Follow and program until cancelled; without policies nothing is asked."""
        while True:
            await self._until(lambda: self.wanted)
            client = await self._node.api.open()
            async with client:
                await self._follow(client)

    async def _follow(self, client: Client) -> None:
        tasks = [asyncio.create_task(each.follow(client)) for each in (self._policies, self._selections)]
        tasks.append(asyncio.create_task(self._program()))
        try:
            await self._until(lambda: not self.wanted)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._forget()  # when there are policies again, they will be others

    async def _until(self, good: Callable[[], bool]) -> None:
        while True:
            if good():
                return
            await asyncio.sleep(_LOOK_EVERY)

    async def _program(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):  # that there are none at all comes without news
                await asyncio.wait_for(self._news.wait(), None if self.in_force else _LOOK_EVERY)
                await asyncio.sleep(_SETTLE)
            self._news.clear()
            with contextlib.suppress(AgentError):  # it is told, and the next pass tries again
                await self.converge(check=False)

    async def converge(self, *, check: bool = True) -> list[str]:
        """Bring the kernel to what is known now; return what changed.

        :raises AgentError: if the kernel does not take it.
        """
        situation = self._node.situation()
        if not self.wanted:
            self._passing = self._passing or situation is not None
            situation = None
        self._passing |= self._absent
        unheard = situation is not None and not self._heard
        if unheard and self._passing:
            return []  # policies that this cluster is about to get: until they are heard, everything passes as before
        rules = {family: self._rules(situation, family) for family in self._tables}
        generation = self._generation if situation else 0
        changes = await self._node.in_thread(lambda: self._program_all(rules, check, unheard))
        self.in_force = generation
        return changes

    def _program_all(self, rules: Mapping[int, Rules | None], check: bool, unheard: bool) -> list[str]:
        self._inherited = self._inherited and any(table.there for table in self._tables.values())
        if unheard and self._inherited:
            return []  # what an agent before this one has programmed goes on to judge
        self._inherited = False
        return [
            change for family, table in self._tables.items() for change in table.converge(rules[family], check=check)
        ]

    @property
    def _heard(self) -> bool:
        """Whether the API has told the policies and whom they select, or that it has none at all."""
        return (self._known is not None and self._selections.synced) or self._absent

    @property
    def _absent(self) -> bool:
        """Whether the API says that there are no policies, or no such kind: they are about to be introduced."""
        if self._policies.synced:
            return self._known is None and not self._policies.keys
        codes = ("404",) if self._inherited else ("404", "403")  # the right to read them comes with them
        return any(f"answered with {code}" in self._policies.fault for code in codes)

    def _rules(self, situation: Situation | None, family: int) -> Rules | None:
        if situation is None or family not in situation.families or self._absent:
            return None
        selections: dict[str, dict[Ports, frozenset[str]]] = {}
        for selector, ports, addresses in self._chunks.values():
            found = selections.setdefault(selector, {})
            found[ports] = found.get(ports, frozenset()) | addresses
        return render_policies(situation, self._known or CLOSED, selections, family)

    def _policies_changed(self, _keys: Iterable[Key]) -> None:
        """Go over to other policies as soon as the sync part knows whom they select: what they still allow goes on."""
        item = self._policies.named.get("local")
        generation = item["metadata"]["generation"] if item else 0
        if item is None or (item.get("status") or {}).get("observedGeneration") != generation:
            return
        try:
            self._known, self._generation = parse_policies(item["spec"]), generation
        except AgentError as error:
            log.error("the policies before these stay in force", extra={"error": str(error)})
        self._news.set()

    def _selections_changed(self, keys: Iterable[Key]) -> None:
        for key in keys:
            self._take(key)
        self._news.set()

    def _take(self, key: Key) -> None:
        name = key[0]
        item = self._selections.of(key).get(name)
        self._chunks.pop(name, None)
        if item is not None:
            with contextlib.suppress(ValueError, KeyError, TypeError):  # what is no address selects nobody
                self._chunks[name] = _chunk(item)

    # --- what is told ---

    async def count(self) -> None:
        """Look anew at what each policy has judged."""
        with contextlib.suppress(AgentError):
            self._counts = await self._node.in_thread(self._counted)

    def _counted(self) -> dict[str, int]:
        total: dict[str, int] = {}
        for table in self._tables.values():
            for name, packets in table.counts().items():
                total[name] = total.get(name, 0) + packets
        return total

    def metrics(self) -> Iterator[Metric]:
        """Yield the packets by policy; nothing where there are none."""
        if not self._counts:
            return
        family = CounterMetricFamily("fabric_policy_packets", "Packets that a policy has judged.", labels=["policy"])
        for name, packets in sorted(self._counts.items()):
            family.add_metric([name.removeprefix("policy.")], packets)
        yield family


def _chunk(item: Object) -> tuple[str, Ports, frozenset[str]]:
    spec = item["spec"]
    addresses = frozenset(map(good_address, spec["addresses"]))
    return str(spec["selector"]), good_ports(spec.get("ports") or ()), addresses
