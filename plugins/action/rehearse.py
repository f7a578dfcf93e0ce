# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.clusterset.fabric.plugins.module_utils.errors import FabricError
from ansible_collections.clusterset.fabric.plugins.module_utils.report.rehearse_json import document, write
from ansible_collections.clusterset.fabric.plugins.module_utils.report.rehearse_table import messages, rehearse_table
from ansible_collections.clusterset.fabric.plugins.module_utils.status.rehearsal import Wishes
from ansible_collections.clusterset.fabric.plugins.module_utils.status.rehearse import refused, rehearse
from ansible_collections.clusterset.fabric.plugins.module_utils.status.scenarios import SCENARIOS
from ansible_collections.clusterset.fabric.plugins.plugin_utils.fan_out import FanOutAction, display


class ActionModule(FanOutAction):
    """Rehearses faults under load on the play's clusters, shows what they cost, writes the report."""

    def run(self, tmp: str | None = None, task_vars: Mapping[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _validation, arguments = self.validate_argument_spec(
            argument_spec={
                "scenarios": {"type": "list", "elements": "str", "choices": list(SCENARIOS), "default": []},
                "times": {"type": "int", "default": 3},
                "seconds": {"type": "int", "default": 12},
                "report": {"type": "str", "default": ""},
            },
        )
        if self._task.check_mode:
            display.display("rehearse: nothing is done in check mode, since it would start pods and make faults")
            return {**result, "changed": False, "skipped": True, "msg": "rehearse makes faults", "failed_clusters": {}}
        variables = task_vars or {}
        models = [model for model in self.active(variables) if model.host in self.in_play(variables)]
        wishes = Wishes(
            images={model.host: model.agent_image for model in models},
            deadlines={model.host: float(model.deadline) for model in models},
            scenarios=tuple(map(str, arguments["scenarios"])),
            times=int(arguments["times"]),
            seconds=int(arguments["seconds"]),
            models=tuple(self.active(variables)),
        )
        self.refuse([FabricError(message, fix=fix) for message, fix in refused(wishes)])
        found = self.run_loop(rehearse([model.ref for model in models], wishes, self.say))
        display.display(rehearse_table(found))
        result.update(
            changed=False,
            totals=document(found)["totals"],
            report=write(found, str(arguments["report"])) if arguments["report"] else "",
            requests=sum(report.requests for report in found.clusters),
            failed_clusters=messages(found),
        )
        return result
