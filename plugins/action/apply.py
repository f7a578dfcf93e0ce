# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import asyncio
import gc
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ansible_collections.clusterset.fabric.plugins.module_utils.apply.bundle import apply_bundle, delete_bundle
from ansible_collections.clusterset.fabric.plugins.module_utils.apply.types import Options, Result
from ansible_collections.clusterset.fabric.plugins.module_utils.client.client import Client
from ansible_collections.clusterset.fabric.plugins.module_utils.client.fleet import fleet
from ansible_collections.clusterset.fabric.plugins.module_utils.client.kubeconfig import parse_text
from ansible_collections.clusterset.fabric.plugins.module_utils.client.types import ClusterRef
from ansible_collections.clusterset.fabric.plugins.module_utils.objects.bundle import Bundle
from ansible_collections.clusterset.fabric.plugins.module_utils.report import changes

display = Display()
Bundles = dict[str, list[dict[str, Any]]]
ARGUMENTS = {
    "bundles": {"type": "raw", "required": True},
    "name": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "prune": {"type": "bool", "default": True},
    "wait": {"type": "bool", "default": True},
    "drift": {"type": "str", "choices": ["off", "workloads", "full"], "default": "workloads"},
    "deadline": {"type": "float", "default": 300.0},
}


class ActionModule(ActionBase):
    """Applies a bundle of objects to each cluster, all clusters at once.

    Not one of the stages: it knows neither plan nor model, and imports neither.
    """

    BYPASS_HOST_LOOP = True
    TRANSFERS_FILES = False
    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: Mapping[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        variables = task_vars or {}
        _, arguments = self.validate_argument_spec(argument_spec=ARGUMENTS)
        bundles = self._bundles(arguments["bundles"])
        refs = [_ref(host, variables["hostvars"][host]) for host in variables["ansible_play_hosts"] if host in bundles]
        options = Options(
            check=self._task.check_mode,
            diff=self._task.diff,
            prune=arguments["prune"],
            wait=arguments["wait"],
            drift=arguments["drift"],
            deadline=arguments["deadline"],
        )

        async def put(client: Client) -> Result:
            if arguments["state"] == "absent":
                return await delete_bundle(client, arguments["name"], options, progress=say)
            bundle = Bundle(arguments["name"], tuple(bundles[client.ref.name]))
            return await apply_bundle(client, bundle, options, progress=say)

        gc.freeze()  # this process is a fork of Ansible's; collecting what it inherited costs a third of the work
        outcomes = asyncio.run(fleet(refs, put, deadline=arguments["deadline"]))
        results = {host: outcome.value for host, outcome in outcomes.items() if outcome.value}
        failed = {host: str(outcome.error) for host, outcome in outcomes.items() if outcome.error}
        if self._task.check_mode:
            for line in changes.listed(results):
                display.display(line)
        display.display(changes.changes_table(results, failed))
        result.update(
            changed=any(each.changed for each in results.values()),
            requests=sum(outcome.requests for outcome in outcomes.values()),
            objects=sum(map(changes.objects_of, results.values())),
            failed_clusters=failed,
            diff=changes.diffs(results),
        )
        return result

    def _bundles(self, given: Any) -> Bundles:
        """Host -> manifests, from the task itself or from a file; plain JSON types, since the core knows no others."""
        try:
            if isinstance(given, str):
                path = self._loader.path_dwim(given)
                given = parse_text(Path(path).read_text(encoding="utf-8"))
            else:
                given = json.loads(json.dumps(given))
        except (OSError, ValueError, TypeError) as error:
            raise AnsibleActionFail(f"bundles cannot be read: {error}. Fix: name a JSON or YAML file") from error
        if not isinstance(given, dict) or not all(isinstance(objects, list) for objects in given.values()):
            raise AnsibleActionFail("bundles is not a map of hosts to lists of objects. Fix: write host: [object, ...]")
        return given


def say(host: str, text: str) -> None:
    """One progress line of one cluster."""
    display.display(f"{host}: {text}")


def _ref(host: str, values: Mapping[str, Any]) -> ClusterRef:
    def text(name: str) -> str | None:
        return str(values[name]) if values.get(name) else None

    in_cluster = bool(values["fabric_in_cluster"]) if "fabric_in_cluster" in values else False
    return ClusterRef(host, text("fabric_kubeconfig"), text("fabric_context"), in_cluster)
