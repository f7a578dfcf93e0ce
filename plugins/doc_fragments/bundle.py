# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of how a bundle of objects is applied, to one cluster or to many."""

from __future__ import annotations


class ModuleDocFragment:
    """The options that both skins of applying have in common."""

    DOCUMENTATION = r"""
options:
  name:
    type: str
    required: true
    description: Under which name the clusters remember these objects.
  state:
    type: str
    choices: [present, absent]
    default: present
    description: With V(absent), everything that was applied under O(name) is removed.
  prune:
    type: bool
    default: true
    description: Whether to remove objects of O(name) that are no longer in the bundle.
  wait:
    type: bool
    default: true
    description: Whether to wait until workloads are ready and removed objects are gone.
  drift:
    type: str
    choices: ['off', workloads, full]
    default: workloads
    description:
      - What a later run compares with what it had left.
      - With V(off), nothing. With V(workloads), DaemonSets, Deployments and StatefulSets.
      - With V(full), each object.
  deadline:
    type: float
    default: 300.0
    description: Seconds for each cluster.
attributes:
  check_mode:
    support: full
    description: Nothing is changed; what would change is computed by the API servers' dry run.
  diff_mode:
    support: full
    description: Shows each object's difference. Secret values are masked.
"""
