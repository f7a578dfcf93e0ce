# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from ansible_collections.clusterset.fabric.plugins.module_utils.apply.links import join
from ansible_collections.clusterset.fabric.plugins.plugin_utils.fan_out import StageAction


class ActionModule(StageAction):
    """Joins the clusters by links, as the plan says."""

    stage = staticmethod(join)
