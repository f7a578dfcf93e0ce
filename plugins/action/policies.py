# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.clusterset.fabric.plugins.module_utils.apply.policies import police
from ansible_collections.clusterset.fabric.plugins.plugin_utils.fan_out import FanOutAction


class ActionModule(FanOutAction):
    """Has the gateways enforce what the plan says of policies."""

    def run(self, tmp: str | None = None, task_vars: Mapping[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        plan = self.load_plan()
        refs = self.refs(plan, task_vars or {})
        stage = self.run_loop(police(plan, refs, self.options(), self.say))
        result.update(self.stage_result(stage))
        return result
