# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleActionFail

from ansible_collections.clusterset.fabric.plugins.plugin_utils.bundles import ARGUMENTS, BundleAction, reference


class ActionModule(BundleAction):
    """Applies a bundle of objects to the host's own cluster, as an ordinary task does: host by host."""

    BYPASS_HOST_LOOP = False

    def run(self, tmp: str | None = None, task_vars: Mapping[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        variables = task_vars or {}
        host = str(variables["inventory_hostname"])
        spec = {"objects": {"type": "raw", "required": True}, **ARGUMENTS}
        _validation, arguments = self.validate_argument_spec(argument_spec=spec)
        objects = self.plain(arguments["objects"])
        if not isinstance(objects, list):
            raise AnsibleActionFail(
                "objects is not a list of manifests. Fix: write a list, or name a file that holds one"
            )
        done = self.apply_to([reference(host, variables)], {host: objects}, arguments)
        failure = done.pop("failed_clusters").get(host)
        result.update(done, **({"failed": True, "msg": failure} if failure else {}))
        return result
