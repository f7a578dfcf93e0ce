#!/usr/bin/python
# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: drain
short_description: Drain gateways, or take them back
version_added: 0.1.0
author: The clusterset.fabric authors (@clusterset)
description:
  - Marks nodes so that their agents move the traffic to the other gateways, and waits until that is done.
  - A drained gateway carries nothing. Its node can be restarted or taken away.
  - Refuses to drain a cluster's last active gateway.
  - Runs once for all clusters of the play, on the control host, as an action plugin.
  - One cluster's failure does not end the others' work; it is returned in RV(failed_clusters).
options:
  gateways:
    type: list
    elements: str
    required: true
    description:
      - Gateways as C(host/node), where C(host) is the cluster's inventory name.
      - The node's name alone suffices where one cluster only has a node of this name.
  state:
    type: str
    choices: [drained, active]
    default: drained
    description: What they shall be.
extends_documentation_fragment:
  - clusterset.fabric.fan_out
"""

EXAMPLES = r"""
- name: Move the traffic away from a gateway
  clusterset.fabric.drain:
    gateways: [east/east-worker]
  run_once: true
  register: result
"""

RETURN = r"""
gateways:
  description: Gateways (C(host/node)) that are in the wanted state now.
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
            "gateways": {"type": "list", "elements": "str", "required": True},
            "state": {"type": "str", "choices": ["drained", "active"], "default": "drained"},
        },
        supports_check_mode=True,
    )
    module.fail_json(msg="this runs on the control host, as an action plugin")


if __name__ == "__main__":
    main()
