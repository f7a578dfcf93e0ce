# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the two skins of applying any objects share: one for all clusters at once, one for each host."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail

from ansible_collections.clusterset.fabric.plugins.module_utils.apply.bundle import apply_bundle, delete_bundle
from ansible_collections.clusterset.fabric.plugins.module_utils.apply.types import Options, Result
from ansible_collections.clusterset.fabric.plugins.module_utils.client.client import Client
from ansible_collections.clusterset.fabric.plugins.module_utils.client.fleet import fleet
from ansible_collections.clusterset.fabric.plugins.module_utils.client.kubeconfig import parse_text
from ansible_collections.clusterset.fabric.plugins.module_utils.client.types import ClusterRef
from ansible_collections.clusterset.fabric.plugins.module_utils.objects.bundle import Bundle
from ansible_collections.clusterset.fabric.plugins.module_utils.report import changes
from ansible_collections.clusterset.fabric.plugins.plugin_utils.fan_out import FanOutAction, display

Objects = list[dict[str, Any]]
ARGUMENTS = {
    "name": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "prune": {"type": "bool", "default": True},
    "wait": {"type": "bool", "default": True},
    "drift": {"type": "str", "choices": ["off", "workloads", "full"], "default": "workloads"},
    "deadline": {"type": "float", "default": 300.0},
}


class BundleAction(FanOutAction):
    """Applies a bundle of objects to each of some clusters."""

    def apply_to(
        self, refs: Sequence[ClusterRef], bundles: Mapping[str, Objects], arguments: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Drive these clusters, show what was done, and return the task's result.

        :param bundles: objects by host, of every host in ``refs``.
        :param arguments: validated by ARGUMENTS.
        """
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
                return await delete_bundle(client, arguments["name"], options, progress=self.say)
            bundle = Bundle(arguments["name"], tuple(bundles[client.ref.name]))
            return await apply_bundle(client, bundle, options, progress=self.say)

        outcomes = self.run_loop(fleet(refs, put, deadline=arguments["deadline"]))
        results = {host: outcome.value for host, outcome in outcomes.items() if outcome.value}
        failed = {host: str(outcome.error) for host, outcome in outcomes.items() if outcome.error}
        if self._task.check_mode:
            for line in changes.listed(results):
                display.display(line)
        display.display(changes.changes_table(results, failed))
        return {
            "changed": any(each.changed for each in results.values()),
            "requests": sum(outcome.requests for outcome in outcomes.values()),
            "objects": sum(map(changes.objects_of, results.values())),
            "failed_clusters": failed,
            "diff": changes.diffs(results),
        }

    def plain(self, given: Any) -> Any:
        """What the task holds, or the file that it names, as plain JSON types: the core knows no others."""
        try:
            if isinstance(given, str):
                return parse_text(Path(self._loader.path_dwim(given)).read_text(encoding="utf-8"))
            return json.loads(json.dumps(given))
        except (OSError, ValueError, TypeError) as error:
            raise AnsibleActionFail(f"the objects cannot be read: {error}. Fix: name a JSON or YAML file") from error


def reference(host: str, values: Mapping[str, Any]) -> ClusterRef:
    """Where the credentials of a host are, by its variables."""

    def text(name: str) -> str | None:
        return str(values[name]) if values.get(name) else None

    in_cluster = bool(values["fabric_in_cluster"]) if "fabric_in_cluster" in values else False
    return ClusterRef(host, text("fabric_kubeconfig"), text("fabric_context"), in_cluster)
