# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleActionFail

from ansible_collections.clusterset.fabric.plugins.module_utils.apply.drain import drain
from ansible_collections.clusterset.fabric.plugins.module_utils.plan.build import RefusedError
from ansible_collections.clusterset.fabric.plugins.module_utils.plan.draining import DRAINED, STATES
from ansible_collections.clusterset.fabric.plugins.plugin_utils.fan_out import FanOutAction


class ActionModule(FanOutAction):
    """Drains gateways, or takes them back."""

    def run(self, tmp: str | None = None, task_vars: Mapping[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _validation, arguments = self.validate_argument_spec(
            argument_spec={
                "gateways": {"type": "list", "elements": "str", "required": True},
                "state": {"type": "str", "choices": list(STATES), "default": DRAINED},
            },
        )
        names = [str(name) for name in arguments["gateways"]]
        if not names:
            raise AnsibleActionFail("No gateway is named. Fix: -e fabric_drain=HOST/NODE")
        playing = self.in_play(task_vars or {})
        models = [model for model in self.active(task_vars or {}) if model.host in playing]
        try:
            done = self.run_loop(drain(models, names, str(arguments["state"]), self.options(), self.say))
        except RefusedError as refused:
            self.refuse(refused.errors)
            raise
        result.update(changed=done.changed, gateways=sorted(done.gateways), failed_clusters=done.failed)
        return result
