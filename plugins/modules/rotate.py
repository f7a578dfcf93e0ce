#!/usr/bin/python
# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: rotate
short_description: Rotate the keys of all links
version_added: 0.1.0
author: The clusterset.fabric authors (@clusterset)
description:
  - Brings up links with new keys beside the old ones, lets the traffic move, and removes the old ones when both ends
    have moved. Nothing is lost on the way.
  - A run that was cut off anywhere is gone on with by the next one.
  - As long as a cluster does not take part, the others keep the old keys as well.
  - Runs once for all clusters of the play, on the control host, as an action plugin.
  - One cluster's failure does not end the others' work; it is returned in RV(failed_clusters).
options:
  plan:
    type: path
    required: true
    description: Path of the plan file that M(clusterset.fabric.plan) returned.
  how:
    type: str
    choices: [rotate, rollback, revoke]
    default: rotate
    description:
      - With V(rotate), begins a rotation, or goes on with one that was cut off.
      - With V(rollback), gives up the new keys, as long as no cluster has given up the old ones.
      - With V(revoke), drops the old keys first. Links are down until the new ones are known on both ends.
  older_than:
    type: int
    default: 0
    description: Begins a rotation only if the oldest key is older than this many days. With V(0), always.
extends_documentation_fragment:
  - clusterset.fabric.fan_out
"""

EXAMPLES = r"""
- name: Rotate the keys of all links that are older than three months
  clusterset.fabric.rotate:
    plan: "{{ preflight_result.plan }}"
    older_than: 90
  run_once: true
  register: result
"""

RETURN = r"""
verb:
  description: What was found to be done; V(begin), V(resume), V(rollback), V(revoke) or V(nothing).
  type: str
  returned: success
generation:
  description: The generation of keys that it led to.
  type: int
  returned: success
complete:
  description: Whether no other generation is left in any cluster.
  type: bool
  returned: success
notes:
  description: What is left to do.
  type: list
  elements: str
  returned: success
failed_clusters:
  description: Host name to message, of the clusters where it did not succeed.
  type: dict
  returned: always
"""

from ansible.module_utils.basic import AnsibleModule


def main() -> None:
    """Reached only where the action plugin of the same name was bypassed."""
    module = AnsibleModule(
        argument_spec={
            "plan": {"type": "path", "required": True},
            "how": {"type": "str", "choices": ["rotate", "rollback", "revoke"], "default": "rotate"},
            "older_than": {"type": "int", "default": 0},
        },
        supports_check_mode=True,
    )
    module.fail_json(msg="this runs on the control host, as an action plugin")


if __name__ == "__main__":
    main()
