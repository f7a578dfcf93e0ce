# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.clusterset.fabric.plugins.module_utils.client.fleet import fleet
from ansible_collections.clusterset.fabric.plugins.module_utils.facts.collect import collect
from ansible_collections.clusterset.fabric.plugins.module_utils.plan.build import RefusedError, build_plan
from ansible_collections.clusterset.fabric.plugins.module_utils.report.plan_table import plan_table
from ansible_collections.clusterset.fabric.plugins.plugin_utils.fan_out import (
    FanOutAction,
    display,
    failed,
)

FACTS_DEADLINE = 30  # seconds; reading is a dozen requests, more means that the cluster is not well


class ActionModule(FanOutAction):
    """Reads all clusters, computes the plan, shows it."""

    def run(self, tmp: str | None = None, task_vars: Mapping[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        variables = task_vars or {}
        models = self.models(variables)
        refs = [model.ref for model in models if not model.fenced]
        outcomes = self.run_loop(fleet(refs, collect, deadline=FACTS_DEADLINE))
        facts = {host: outcome.value for host, outcome in outcomes.items() if outcome.value is not None}
        absent = failed(outcomes)
        try:
            plan = build_plan(models, facts, absent)
        except RefusedError as refused:
            self.refuse(refused.errors)
            raise
        display.display(plan_table(plan))
        result.update(
            changed=False,
            plan=self.save_plan(plan),
            digest=plan.digest,
            failed_clusters={host: text for host, text in absent.items() if host in self.in_play(variables)},
            requests=sum(outcome.requests for outcome in outcomes.values()),
        )
        return result
