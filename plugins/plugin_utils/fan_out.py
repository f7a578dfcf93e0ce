# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every fan-out action shares: one run for all hosts of the play, one failure a cluster."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any, TypeVar

from ansible import constants
from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ansible_collections.clusterset.fabric.plugins.module_utils.apply.stage import Stage
from ansible_collections.clusterset.fabric.plugins.module_utils.apply.types import Options, Progress, Result
from ansible_collections.clusterset.fabric.plugins.module_utils.client.types import ClusterRef, Outcome
from ansible_collections.clusterset.fabric.plugins.module_utils.errors import FabricError
from ansible_collections.clusterset.fabric.plugins.module_utils.model.types import ClusterModel
from ansible_collections.clusterset.fabric.plugins.module_utils.model.validate import validate
from ansible_collections.clusterset.fabric.plugins.module_utils.plan.types import Plan, plan_from_json
from ansible_collections.clusterset.fabric.plugins.module_utils.report.changes import (
    changes_table,
    diffs,
    listed,
    objects_of,
)
from ansible_collections.clusterset.fabric.plugins.plugin_utils import interruptible

T = TypeVar("T")
CREDENTIALS = ("fabric_kubeconfig", "fabric_context", "fabric_in_cluster")  # a host that has one of these is a cluster
display = Display()


class FanOutAction(ActionBase):
    """Base of the actions that drive all clusters from one event loop.

    Such an action must not fail for one cluster: a failed run-once task ends the play for all hosts. It returns
    ``failed_clusters`` (host -> message) instead, and the role's next task fails just those hosts.
    """

    BYPASS_HOST_LOOP = True
    TRANSFERS_FILES = False
    _supports_check_mode = True
    _supports_async = False

    def clusters(self, task_vars: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
        """Every cluster of the inventory, also outside of the limit: host -> its plain ``fabric_*`` variables."""
        found = {host: plain_variables(task_vars["hostvars"][host]) for host in task_vars["groups"]["all"]}
        return {host: values for host, values in found.items() if any(name in values for name in CREDENTIALS)}

    def models(self, task_vars: Mapping[str, Any]) -> list[ClusterModel]:
        """All clusters' models; fails with every error of every cluster at once."""
        models: list[ClusterModel] = []
        errors: list[FabricError] = []
        for host, values in self.clusters(task_vars).items():
            model, found = validate(host, values)
            errors += found
            models += [model] if model else []
        self.refuse(errors)
        if not models:
            raise AnsibleActionFail(
                "The inventory has no cluster. Fix: list one in a clusters.yml, or set fabric_context for a host"
            )
        return models

    def active(self, task_vars: Mapping[str, Any]) -> list[ClusterModel]:
        """The models of the clusters that may be asked for something: a fenced one is not."""
        return [model for model in self.models(task_vars) if not model.fenced]

    @staticmethod
    def refuse(errors: list[FabricError] | tuple[FabricError, ...]) -> None:
        """End the play before anything is touched, if there is a reason to."""
        if errors:
            lines = "\n".join(f"- {error}" for error in errors)
            raise AnsibleActionFail(f"Refused, nothing was touched:\n{lines}")

    def in_play(self, task_vars: Mapping[str, Any]) -> list[str]:
        """Hosts that may be touched: in the limit and not failed by an earlier stage."""
        return [str(host) for host in task_vars["ansible_play_hosts"]]

    def load_plan(self) -> Plan:
        """The plan that the preflight stage wrote."""
        with open(self._task.args["plan"], encoding="utf-8") as file:
            return plan_from_json(file.read())

    @staticmethod
    def save_plan(plan: Plan) -> str:
        """Write the plan where only this user can read it, for as long as this run lasts; return the path."""
        handle, path = tempfile.mkstemp(prefix="fabric-plan-", suffix=".json", dir=constants.DEFAULT_LOCAL_TMP)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(plan.to_json())
        return path

    def refs(self, plan: Plan, task_vars: Mapping[str, Any]) -> list[ClusterRef]:
        """The clusters of the plan that this play may touch."""
        planned = {cluster.host for cluster in plan.clusters}
        in_play = [host for host in self.in_play(task_vars) if host in planned]
        return [model.ref for model in self.models(task_vars) if model.host in in_play]

    def options(self) -> Options:
        """Check and diff mode, as the play has them."""
        return Options(check=self._task.check_mode, diff=self._task.diff)

    def show(self, results: Mapping[str, Result], failures: Mapping[str, str]) -> None:
        """A table of what was done, after a list of what would be in check mode."""
        for line in listed(results) if self._task.check_mode else ():
            display.display(line)
        display.display(changes_table(results, failures))

    def stage_result(self, stage: Stage) -> dict[str, Any]:
        """Show what the stage did; return counts only, since detail is on the screen already."""
        results = stage.results
        self.show(results, stage.failed)
        return {
            "changed": any(result.changed for result in results.values()),
            "requests": sum(result.requests for result in results.values()),
            "objects": sum(map(objects_of, results.values())),
            "failed_clusters": dict(stage.failed),
            "diff": diffs(results),
        }

    @staticmethod
    def run_loop(work: Coroutine[Any, Any, T]) -> T:
        """Run one coroutine on an event loop of its own; an interrupted play still cleans up."""
        return interruptible.run(work)

    @staticmethod
    def say(host: str, text: str) -> None:
        """One progress line of one cluster."""
        display.display(f"{host}: {text}")


class StageAction(FanOutAction):
    """Brings the clusters of the play to what the plan says of one stage."""

    stage: Callable[[Plan, Sequence[ClusterRef], Options, Progress], Coroutine[Any, Any, Stage]]

    def run(self, tmp: str | None = None, task_vars: Mapping[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        plan = self.load_plan()
        done = self.run_loop(type(self).stage(plan, self.refs(plan, task_vars or {}), self.options(), self.say))
        return {**result, **self.stage_result(done)}


def plain_variables(hostvars: Mapping[str, Any]) -> dict[str, Any]:
    """The ``fabric_*`` variables, templated, as plain JSON types: core code must not see Ansible's tagged ones."""
    chosen = {str(name): hostvars[name] for name in hostvars if str(name).startswith("fabric_")}
    plain: dict[str, Any] = json.loads(json.dumps(chosen, default=str))
    return plain


def failed(outcomes: Mapping[str, Outcome[Any]]) -> dict[str, str]:
    """Host -> message, of the clusters whose work did not succeed."""
    return {host: str(outcome.error) for host, outcome in outcomes.items() if outcome.error is not None}
