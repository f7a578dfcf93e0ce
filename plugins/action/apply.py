# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleActionFail

from ansible_collections.clusterset.fabric.plugins.plugin_utils.bundles import (
    ARGUMENTS,
    BundleAction,
    Objects,
    reference,
)


class ActionModule(BundleAction):
    """Applies a bundle of objects to each cluster, all clusters at once."""

    def run(self, tmp: str | None = None, task_vars: Mapping[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        variables = task_vars or {}
        spec = {"bundles": {"type": "raw", "required": True}, **ARGUMENTS}
        _validation, arguments = self.validate_argument_spec(argument_spec=spec)
        bundles = self._bundles(arguments["bundles"])
        hosts = [host for host in self.in_play(variables) if host in bundles]
        refs = [reference(host, variables["hostvars"][host]) for host in hosts]
        result.update(self.apply_to(refs, bundles, arguments))
        return result

    def _bundles(self, given: Any) -> dict[str, Objects]:
        bundles = self.plain(given)
        if not isinstance(bundles, dict) or not all(isinstance(objects, list) for objects in bundles.values()):
            raise AnsibleActionFail("bundles is not a map of hosts to lists of objects. Fix: write host: [object, ...]")
        return bundles
