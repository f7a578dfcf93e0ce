# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.module_utils.parsing.convert_bool import boolean

from ansible_collections.clusterset.fabric.plugins.module_utils.apply.leave import leave
from ansible_collections.clusterset.fabric.plugins.module_utils.model.types import ClusterModel
from ansible_collections.clusterset.fabric.plugins.plugin_utils.fan_out import FanOutAction, display


class ActionModule(FanOutAction):
    """Takes clusters out of the clusterset, also those that answer no more."""

    def run(self, tmp: str | None = None, task_vars: Mapping[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        known = self.models(task_vars or {})
        leaving = self._leaving(known)
        models = [model for model in known if not model.fenced or model in leaving]
        remove = boolean(self._task.args.get("remove_network_plugin", False))
        departure = self.run_loop(leave(models, leaving, self.options(), self.say, remove_plugin=remove))
        for text in departure.notes:
            display.warning(text)
        result.update(
            changed=departure.changed,
            left=sorted(model.host for model in leaving),
            notes=departure.notes,
            failed_clusters={
                host: text for host, text in departure.failed.items() if host in self.in_play(task_vars or {})
            },
        )
        return result

    def _leaving(self, models: list[ClusterModel]) -> list[ClusterModel]:
        names = self._task.args.get("clusters") or []
        if isinstance(names, str):  # as -e fabric_leave=north,west gives it
            names = [name.strip() for name in names.split(",")]
        known = {model.host: model for model in models}
        if not names:
            raise AnsibleActionFail(
                f"Nothing is said to leave. Fix: -e fabric_leave=NAME, or all (known: {', '.join(sorted(known))})"
            )
        if names == ["all"]:
            return models
        unknown = [name for name in names if name not in known]
        if unknown:
            fix = f"Fix: name one of {', '.join(sorted(known))}"
            raise AnsibleActionFail(f"fabric_leave: the inventory has no cluster {unknown[0]!r}. {fix}")
        return [known[name] for name in names]
