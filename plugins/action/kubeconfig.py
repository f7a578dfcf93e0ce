# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleActionFail

from ansible_collections.clusterset.fabric.plugins.module_utils.apply.holders import faults, grant_all, revoke_from
from ansible_collections.clusterset.fabric.plugins.module_utils.errors import FabricError
from ansible_collections.clusterset.fabric.plugins.module_utils.model.types import ClusterModel
from ansible_collections.clusterset.fabric.plugins.module_utils.report import kubeconfig_file
from ansible_collections.clusterset.fabric.plugins.module_utils.report.access_table import access_table
from ansible_collections.clusterset.fabric.plugins.plugin_utils.fan_out import FanOutAction, display, failed

ARGUMENTS = {
    "name": {"type": "str", "default": ""},
    "role": {"type": "str", "default": "view"},
    "hours": {"type": "int", "default": 8},
    "path": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}


class ActionModule(FanOutAction):
    """Gives a person or a job access to the play's clusters, in one kubeconfig, or takes it away."""

    def run(self, tmp: str | None = None, task_vars: Mapping[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _validation, arguments = self.validate_argument_spec(argument_spec=ARGUMENTS)
        name, role, hours, path = str(arguments["name"]), str(arguments["role"]), arguments["hours"], arguments["path"]
        self.refuse(faults(name, role, hours))
        variables = task_vars or {}
        models = [model for model in self.active(variables) if model.host in self.in_play(variables)]
        if arguments["state"] == "absent":
            return {**result, **self._revoke(models, name, path)}
        try:
            kubeconfig_file.check_path(path)
        except FabricError as error:
            self.refuse([error])
        return {**result, **self._grant(models, name, role, hours, path)}

    def _grant(self, models: list[ClusterModel], name: str, role: str, hours: int, path: str) -> dict[str, Any]:
        outcomes = self.run_loop(grant_all(models, name, role, hours, self.options()))
        granted = {host: outcome.value for host, outcome in outcomes.items() if outcome.value}
        self.show({host: each.result for host, each in granted.items()}, failed(outcomes))
        display.display(access_table(name, role, granted))
        for host, each in granted.items():
            if each.note:
                display.warning(f"{host}: {each.note}")
        if granted and not self._task.check_mode:
            ids = {model.host: model.cluster_id for model in models}
            try:
                path = kubeconfig_file.write(name, {ids[host]: each.access for host, each in granted.items()}, path)
            except FabricError as error:
                raise AnsibleActionFail(str(error)) from error
        until = {host: each.access.until for host, each in granted.items()}
        return {"changed": bool(granted), "path": path, "until": until, "failed_clusters": failed(outcomes)}

    def _revoke(self, models: list[ClusterModel], name: str, path: str) -> dict[str, Any]:
        outcomes = self.run_loop(revoke_from(models, name, self.options()))
        results = {host: outcome.value for host, outcome in outcomes.items() if outcome.value}
        self.show(results, failed(outcomes))
        revoked = [model.cluster_id for model in models if model.host in results]
        left = kubeconfig_file.discard(path, revoked, check=self._task.check_mode)
        if left:
            display.warning(f"{path} is kept: it opens {', '.join(left)}, where nothing was revoked")
        changed = any(each.changed for each in results.values())
        return {"changed": changed, "path": path, "until": {}, "failed_clusters": failed(outcomes)}
