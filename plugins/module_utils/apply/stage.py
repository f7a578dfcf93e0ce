# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One stage over many clusters: what each of them got, and which of them failed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from ..client.client import Client
from ..client.fleet import fleet
from ..client.types import ClusterRef, Outcome
from ..plan.types import Plan
from .types import Result

T = TypeVar("T")
Work = Callable[[Client], Awaitable[T]]


@dataclass
class Stage:
    """Collects outcomes by host; a cluster that failed once takes no part in what follows."""

    plan: Plan
    refs: Sequence[ClusterRef]
    results: dict[str, Result] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)

    @property
    def alive(self) -> list[ClusterRef]:
        """The clusters that have not failed."""
        return [ref for ref in self.refs if ref.name not in self.failed]

    async def each(self, work: Work[T], refs: Sequence[ClusterRef]) -> Mapping[str, T]:
        """Run ``work`` for these clusters at once; return the values of those that succeeded."""
        deadline = max((self.plan.cluster(ref.name).deadline for ref in refs), default=0)
        outcomes: Mapping[str, Outcome[T]] = await fleet(refs, work, deadline=deadline)
        self.failed.update({host: str(outcome.error) for host, outcome in outcomes.items() if outcome.error})
        return {host: outcome.value for host, outcome in outcomes.items() if outcome.value is not None}

    async def apply(self, work: Work[Result], refs: Sequence[ClusterRef]) -> None:
        """Like :meth:`each`, adding each result to what the cluster already has."""
        for host, result in (await self.each(work, refs)).items():
            self.results[host] = self.results[host] + result if host in self.results else result
