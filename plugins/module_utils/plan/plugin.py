# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What happens to a cluster's network plugin: install one, go on with ours, or adopt what runs."""

from __future__ import annotations

from ..errors import FabricError
from ..facts.releases import DEFAULT_VERSIONS, check_supported
from ..facts.types import ClusterFacts
from ..model.types import ClusterModel
from .types import PluginPlan

BUNDLE = "network-plugin"


def plan_plugin(model: ClusterModel, facts: ClusterFacts) -> PluginPlan:
    """Never replaces a running plugin.

    :raises FabricError: where nothing runs and nothing is to be installed, another plugin runs than the wanted
        one, or the wanted version does not support the cluster's Kubernetes.
    """
    found, wanted = facts.plugin, model.network_plugin
    ours = BUNDLE in facts.owned.bundles
    if wanted == "adopt":
        if found.name == "none":
            fix = "set fabric_network_plugin to the one that shall be installed"
            raise FabricError("no network plugin runs there", cluster=model.host, fix=fix)
        return PluginPlan(found.name, "adopt", found.version)
    if found.name not in ("none", wanted):
        fix = "set fabric_network_plugin: adopt, or remove the running one yourself"
        raise FabricError(f"{found.name} runs there; it is not replaced by {wanted}", cluster=model.host, fix=fix)
    if found.name == wanted and not ours:
        return PluginPlan(wanted, "adopt", found.version)
    return PluginPlan(wanted, "install", _version(model, facts), model.network_plugin_manifest)


def _version(model: ClusterModel, facts: ClusterFacts) -> str:
    """The version to install; "" is told by a manifest of the operator's own, and checked when that is read."""
    version = model.network_plugin_version
    if not version and model.network_plugin_manifest is None:
        version = DEFAULT_VERSIONS[model.network_plugin]
    if version:
        check_supported(model.network_plugin, version, facts.version, cluster=model.host)
    return version
