"""Figures of all rounds, and what they say: medians, ratios, and whether a target is met."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from statistics import median

from .measure import Cost


@dataclass
class Figures:
    """What one size of the race brought. ``objects`` is how many a contender applies in one run."""

    title: str
    objects: dict[str, int]
    costs: dict[str, list[Cost]] = field(default_factory=lambda: defaultdict(list))
    requests: dict[str, int] = field(default_factory=dict)
    base: dict[str, str] = field(default_factory=dict)

    def add(self, name: str, cost: Cost, requests: int) -> None:
        self.costs[name].append(cost)
        self.requests[name] = requests

    def cpu(self, name: str, base: str = "") -> list[float]:
        """Milliseconds of CPU per object, round by round, less what ``base`` (the empty play) cost then."""
        less = self.costs.get(base or self.base.get(name, ""), [])
        pairs = [(cost.cpu, less[n].cpu if n < len(less) else 0.0) for n, cost in enumerate(self.costs[name])]
        return [1000 * max(cost - idle, 1e-6) / self.objects[name] for cost, idle in pairs]

    def ratio(self, dear: str, cheap: str, base: str = "") -> tuple[float, float, float]:
        """How many times ``dear`` (less ``base``) costs what ``cheap`` does: median, least and most over the rounds."""
        dearest, cheapest = self.cpu(dear, base), self.cpu(cheap)
        each = [a / b for a, b in zip(dearest, cheapest, strict=True)]
        return median(dearest) / median(cheapest), min(each), max(each)

    def lines(self) -> list[str]:
        head = f"{'contender':<28}{'CPU ms/object':>14}{'CPU s':>8}{'wall s':>8}{'requests/object':>17}"
        rows = [f"\n{self.title}", head]
        for name, costs in sorted(self.costs.items(), key=lambda item: median(self.cpu(item[0])), reverse=True):
            per_object = f"{median(self.cpu(name)):.3f}" if name in self.base else "-"
            requests = f"{self.requests[name] / self.objects[name]:.2f}" if self.requests[name] else "-"
            cpu, wall = median(cost.cpu for cost in costs), median(cost.wall for cost in costs)
            rows.append(f"{name:<28}{per_object:>14}{cpu:>8.2f}{wall:>8.2f}{requests:>17}")
        return rows


@dataclass(frozen=True)
class Gate:
    """A target: ``value`` must be at least, or at most, ``limit``."""

    text: str
    value: float
    limit: float
    least: bool

    @property
    def met(self) -> bool:
        return self.value >= self.limit if self.least else self.value <= self.limit

    def line(self) -> str:
        sign = ">=" if self.least else "<="
        return f"{'ok   ' if self.met else 'MISSED'} {self.text}: {self.value:.2f} (target {sign} {self.limit:g})"
