# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation that the fan-out actions share."""

from __future__ import annotations


class ModuleDocFragment:
    """What all fan-out actions have in common."""

    DOCUMENTATION = r"""
options: {}
requirements:
  - kubernetes >= 37
notes:
  - Runs on the control host. Needs the strategy plugin P(ansible.builtin.linear#strategy).
attributes:
  check_mode:
    support: full
    description: Nothing is changed; what would change is computed by the API servers' dry run.
  diff_mode:
    support: full
    description: Shows each object's difference. Secret values are masked.
"""
