# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from ansible_collections.clusterset.fabric.plugins.module_utils.apply.rotate import rotate
from ansible_collections.clusterset.fabric.plugins.module_utils.errors import FabricError
from ansible_collections.clusterset.fabric.plugins.module_utils.plan.rotation import HOWS, ROTATE
from ansible_collections.clusterset.fabric.plugins.plugin_utils.fan_out import FanOutAction, display


class ActionModule(FanOutAction):
    """Rotates the keys of all links."""

    def run(self, tmp: str | None = None, task_vars: Mapping[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _validation, arguments = self.validate_argument_spec(
            argument_spec={
                "plan": {"type": "path", "required": True},
                "how": {"type": "str", "choices": list(HOWS), "default": ROTATE},
                "older_than": {"type": "int", "default": 0},
            },
        )
        plan = self.load_plan()
        refs = self.refs(plan, task_vars or {})
        days, now = timedelta(days=int(arguments["older_than"])), datetime.now(UTC)
        work = rotate(plan, refs, str(arguments["how"]), self.options(), self.say, older_than=days, now=now)
        try:
            done = self.run_loop(work)
        except FabricError as error:
            self.refuse([error])
            raise
        result.update(self.stage_result(done.stage))
        display.display(f"link keys: {done.decision.verb}: {done.decision.reason}")
        for note in done.notes:
            display.warning(note)
        result.update(
            verb=done.decision.verb, generation=done.decision.target, complete=done.complete, notes=done.notes
        )
        return result
