#!/usr/bin/python
# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: leave
short_description: Let clusters leave the clusterset
version_added: 0.1.0
author: The clusterset.fabric authors (@clusterset)
description:
  - Runs once for all clusters of the play, on the control host, as an action plugin.
  - One cluster's failure does not end the others' work; it is returned in RV(failed_clusters).
  - The variables that describe the clusters are documented with the role P(clusterset.fabric.leave#role).
options:
  clusters:
    type: list
    elements: str
    required: true
    description: Inventory names of the clusters that leave, or V(all).
  remove_network_plugin:
    type: bool
    default: false
    description: Also remove the network plugin, where this collection installed it.
extends_documentation_fragment:
  - clusterset.fabric.fan_out
"""

EXAMPLES = r"""
- name: Let clusters leave the clusterset
  clusterset.fabric.leave:
    clusters: [north]
  run_once: true
  register: result
"""

RETURN = r"""
left:
  description: Host names of the clusters that left.
  type: list
  elements: str
  returned: success
notes:
  description: What could not be done in clusters that do not answer.
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
            "clusters": {"type": "list", "elements": "str", "required": True},
            "remove_network_plugin": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    module.fail_json(msg="this runs on the control host, as an action plugin")


if __name__ == "__main__":
    main()
