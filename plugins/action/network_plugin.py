# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from ansible_collections.clusterset.fabric.plugins.module_utils.apply.network_plugin import install
from ansible_collections.clusterset.fabric.plugins.plugin_utils.fan_out import StageAction


class ActionModule(StageAction):
    """Installs the network plugin where the plan says so."""

    stage = staticmethod(install)
