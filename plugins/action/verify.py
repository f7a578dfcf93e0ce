# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.clusterset.fabric.plugins.module_utils.plan.ways import apart
from ansible_collections.clusterset.fabric.plugins.module_utils.report.verify_json import write
from ansible_collections.clusterset.fabric.plugins.module_utils.report.verify_table import messages, verify_table
from ansible_collections.clusterset.fabric.plugins.module_utils.status.types import FAILED, OK, UNKNOWN, Options
from ansible_collections.clusterset.fabric.plugins.module_utils.status.verify import verify
from ansible_collections.clusterset.fabric.plugins.plugin_utils.fan_out import FanOutAction, display


class ActionModule(FanOutAction):
    """Checks every ordered pair of the play's clusters, shows the matrix, writes the report."""

    def run(self, tmp: str | None = None, task_vars: Mapping[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _validation, arguments = self.validate_argument_spec(
            argument_spec={
                "nodes": {"type": "str", "choices": ["sample", "all"], "default": "sample"},
                "within": {"type": "bool", "default": False},
                "report": {"type": "str", "default": ""},
            },
        )
        if self._task.check_mode:
            return {**result, "changed": False, "skipped": True, "msg": "verify starts pods", "failed_clusters": {}}
        variables = task_vars or {}
        known = self.active(variables)
        models = [model for model in known if model.host in self.in_play(variables)]
        options = Options(
            images={model.host: model.agent_image for model in models},
            deadlines={model.host: float(model.deadline) for model in models},
            nodes=str(arguments["nodes"]),
            within=bool(arguments["within"]),
            apart=apart(known),
        )
        found = self.run_loop(verify([model.ref for model in models], options, self.say))
        display.display(verify_table(found))
        states = [pair.state for pair in found.pairs]
        result.update(
            changed=False,
            totals={state: states.count(state) for state in (OK, FAILED, UNKNOWN)},
            report=write(found, str(arguments["report"])) if arguments["report"] else "",
            requests=sum(report.requests for report in found.clusters),
            failed_clusters=messages(found),
        )
        return result
