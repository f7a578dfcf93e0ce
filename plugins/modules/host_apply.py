#!/usr/bin/python
# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: host_apply
short_description: Apply objects to one cluster, host by host
version_added: 0.1.0
author: The clusterset.fabric authors (@clusterset)
description:
  - Brings the host's cluster to hold exactly the given objects under the given name, by server-side apply.
  - What an earlier run applied under this name, and the list no longer holds, is removed.
  - A run that finds everything as it left it costs about one request for each cluster.
  - Runs on the control host for each host of the play, with any strategy, C(serial) and job slice.
  - M(clusterset.fabric.apply) does the same for all clusters at once, and costs less.
options:
  objects:
    type: raw
    required: true
    description: The manifests as a list, or the path of a JSON or YAML file that holds this list.
extends_documentation_fragment:
  - clusterset.fabric.bundle
"""

EXAMPLES = r"""
- name: Put a ConfigMap into each cluster
  clusterset.fabric.host_apply:
    name: greeting
    objects:
      - apiVersion: v1
        kind: ConfigMap
        metadata: {name: greeting, namespace: default}
        data: {text: "hello {{ inventory_hostname }}"}
"""

RETURN = r"""
objects:
  description: How many objects the bundle holds.
  type: int
  returned: always
requests:
  description: How many requests that took.
  type: int
  returned: always
"""

from ansible.module_utils.basic import AnsibleModule


def main() -> None:
    """Reached only where the action plugin of the same name was bypassed."""
    spec = {
        "objects": {"type": "raw", "required": True},
        "name": {"type": "str", "required": True},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "prune": {"type": "bool", "default": True},
        "wait": {"type": "bool", "default": True},
        "drift": {"type": "str", "choices": ["off", "workloads", "full"], "default": "workloads"},
        "deadline": {"type": "float", "default": 300.0},
    }
    module = AnsibleModule(argument_spec=spec, supports_check_mode=True)
    module.fail_json(msg="this runs on the control host, as an action plugin")


if __name__ == "__main__":
    main()
