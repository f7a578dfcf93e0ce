# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When a gateway judges by what: before the API is heard, while policies are introduced, when they change."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from clusterset_agent.families import IPV4, IPV6
from clusterset_agent.policing import Policing
from clusterset_agent.policy import Selector
from clusterset_agent.policy_rules import Rules

from .samples import situation
from .test_policy_rules import SPEC, chain

DB = Selector(("east",), labels=(("app", "db"),))


class Table:
    """Keeps what it was last told; None is no table."""

    def __init__(self, *, there: bool = False) -> None:
        self.rules: Rules | None = None
        self.left = there
        self.told = 0

    @property
    def there(self) -> bool:
        return self.left or self.rules is not None

    def converge(self, wanted: Rules | None, *, check: bool = True) -> list[str]:
        self.rules, self.left, self.told = wanted, False, self.told + 1
        return []


class Gateway:
    """A gateway's agent, as far as its policies look at it."""

    def __init__(self, *, there: bool = False) -> None:
        self.on, self.alone = True, False
        self.table = Table(there=there)
        self.settings = SimpleNamespace(namespace="clusterset-fabric")
        self.policing = Policing(self)  # type: ignore[arg-type]
        self.policing._tables = {IPV4: self.table, IPV6: Table()}  # type: ignore[dict-item]

    def situation(self) -> Any:
        found = situation("g1", policies=self.on)
        return replace(found, wanted=replace(found.wanted, peers=())) if self.alone else found

    async def in_thread(self, work: Callable[[], Any]) -> Any:
        return work()

    async def opening(self) -> list[str]:
        await self.policing.converge()
        return chain(self.table.rules.frame, "opening") if self.table.rules else []

    def hear(self, spec: dict[str, Any], generation: int, observed: int, *addresses: str) -> None:
        metadata = {"name": "local", "generation": generation}
        item = {"metadata": metadata, "spec": spec, "status": {"observedGeneration": observed}}
        self.policing._policies._replace([item])
        row = {"selector": DB.id, "addresses": list(addresses)}
        self.policing._selections._replace([{"metadata": {"name": "a-0"}, "spec": row}])


CLOSED = ["counter name other.default drop"]


async def test_a_gateway_that_starts_lets_nothing_through_until_it_has_heard() -> None:
    gateway = Gateway()
    assert await gateway.opening() == CLOSED
    gateway.hear(SPEC, 1, 1, "10.41.0.9")
    assert len(await gateway.opening()) == 3  # the export has no endpoints yet
    assert gateway.table.rules
    assert gateway.table.rules.sets[f"pods_{DB.id}"] == {"10.41.0.9"}
    assert gateway.policing.in_force == 1


async def test_a_gateway_that_lets_nothing_through_yet_lets_new_peers_be_probed() -> None:
    gateway = Gateway()
    gateway.alone = True
    assert await gateway.opening() == CLOSED
    assert gateway.table.rules
    before = gateway.table.rules
    gateway.alone = False
    assert await gateway.opening() == CLOSED
    assert gateway.table.rules != before


async def test_what_an_agent_before_it_has_programmed_stays_until_it_has_heard() -> None:
    gateway = Gateway(there=True)
    assert await gateway.opening() == []
    assert not gateway.table.told
    gateway.policing._policies.fault = "local: GET x was answered with 403 Forbidden."
    assert await gateway.opening() == []
    assert not gateway.table.told


async def test_while_policies_are_introduced_everything_passes_until_the_pods_are_known() -> None:
    gateway = Gateway()
    gateway.on = False
    assert await gateway.opening() == []
    gateway.on = True
    assert await gateway.opening() == []
    gateway.hear(SPEC, 1, 0)
    assert await gateway.opening() == []
    gateway.hear(SPEC, 1, 1)
    assert len(await gateway.opening()) == 3
    gateway.on = False
    assert await gateway.opening() == []
    assert gateway.policing.in_force == 0


@pytest.mark.parametrize("codes", [("404 NotFound", "403 Forbidden"), ("403 Forbidden",)])
async def test_a_cluster_that_is_only_about_to_get_the_kinds_is_open(codes: tuple[str, ...]) -> None:
    gateway = Gateway()
    assert await gateway.opening() == CLOSED
    for code in codes:  # rights are looked at before kinds
        gateway.policing._policies.fault = f"local: GET x was answered with {code}."
        assert await gateway.opening() == []


@pytest.mark.parametrize("spec", [{**SPEC, "default": "allow"}, {"default": "deny", "policies": [{"name": "}"}]}])
async def test_other_policies_are_gone_over_to_when_their_pods_are_known(spec: dict[str, Any]) -> None:
    gateway = Gateway()
    gateway.hear(SPEC, 1, 1)
    before = await gateway.opening()
    gateway.hear(spec, 2, 1)
    assert await gateway.opening() == before
    gateway.hear(spec, 2, 2)
    assert (await gateway.opening() == before) == (spec["default"] == "deny")  # what cannot be understood never comes


async def test_a_cluster_that_joins_with_policies_is_open_until_they_come() -> None:
    gateway = Gateway(there=True)
    gateway.policing._policies._replace([])
    assert await gateway.opening() == []
    assert gateway.table.told, "what an earlier agent left is taken away"
    gateway.hear(SPEC, 1, 1)
    closed = await gateway.opening()
    assert len(closed) == 3
    gateway.policing._policies._replace([])
    assert await gateway.opening() == closed, "once known, they stay until Fabric says that there are none"


async def test_what_is_no_address_selects_nobody() -> None:
    gateway = Gateway()
    gateway.hear(SPEC, 1, 1, "10.41.0.9", "}; drop")
    await gateway.opening()
    assert gateway.table.rules
    assert gateway.table.rules.sets[f"pods_{DB.id}"] == set()
