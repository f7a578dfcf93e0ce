# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may talk to whom between clusters, as a matrix: rows open connections, columns take them."""

from __future__ import annotations

from collections.abc import Sequence

from ..model.types import PodSelector
from ..plan.policies import covers
from ..plan.types import Plan, PolicyPlan
from .table import table


def policy_table(plan: Plan) -> str:
    """The matrix; "" where there is nothing to show. A cell holds what its whole row may reach of its whole column."""
    if not plan.policies and plan.policy_default == "allow":
        return ""
    everything = PodSelector(clusters=tuple(cluster.cluster_id for cluster in plan.clusters))
    sources = [*dict.fromkeys(policy.source for policy in plan.policies if policy.source != everything), everything]
    targets = [*dict.fromkeys(policy.target for policy in plan.policies if policy.target != everything), everything]
    head = ["FROM \\ TO", *(_told(target, everything) for target in targets)]
    rows = [[_told(source, everything), *(_cell(plan, source, target) for target in targets)] for source in sources]
    return f"between clusters, what no policy names: {plan.policy_default}\n{table(head, rows)}"


def _cell(plan: Plan, source: PodSelector, target: PodSelector) -> str:
    """The first policy without ports that covers both ends decides; those with ports before it are exceptions."""
    exceptions: list[str] = []
    for policy in plan.policies:
        if covers(policy.source, source) and covers(policy.target, target):
            if not policy.ports:
                return _joined(exceptions, policy.action)
            exceptions += _ports(policy, exceptions)
    return _joined(exceptions, plan.policy_default)


def _ports(policy: PolicyPlan, before: Sequence[str]) -> list[str]:
    sign = "" if policy.action == "allow" else "not "
    known = {each.removeprefix("not ") for each in before}
    return [f"{sign}{port}" for port in policy.ports if port not in known]


def _joined(exceptions: Sequence[str], rest: str) -> str:
    """What is allowed; ports that say the same as the rest need no mention."""
    told = [each for each in exceptions if each.startswith("not ") == (rest == "allow")]
    if rest == "allow":
        return ", ".join(["all", *told])
    return ", ".join(told) or "no"


def _told(selector: PodSelector, everything: PodSelector) -> str:
    words = [f"{key}={value}" for key, value in selector.labels]
    words += [f"{space}/*" for space in selector.namespaces]
    words += [f"export {selector.export}"] if selector.export else []
    where = "" if selector.clusters == everything.clusters else f" in {','.join(selector.clusters)}"
    return (" ".join(words) or ("all" if where else "all others")) + where
