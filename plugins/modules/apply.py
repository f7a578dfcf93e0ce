#!/usr/bin/python
# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: apply
short_description: Apply objects to many clusters at once
version_added: 0.1.0
author: The clusterset.fabric authors (@clusterset)
description:
  - Brings each cluster of the play to hold exactly the given objects under the given name, by server-side apply.
  - What an earlier run applied under this name, and the list no longer holds, is removed.
  - A run that finds everything as it left it costs about one request for each cluster.
  - Runs once for all clusters of the play, on the control host, as an action plugin.
  - One cluster's failure does not end the others' work; it is returned in RV(failed_clusters).
options:
  bundles:
    type: raw
    required: true
    description:
      - The objects of each cluster, as a map of inventory host names to lists of manifests.
      - Or the path of a JSON or YAML file that holds this map.
      - Hosts of the play that are not in the map are left alone.
extends_documentation_fragment:
  - clusterset.fabric.bundle
  - clusterset.fabric.fan_out
"""

EXAMPLES = r"""
- name: Put one ConfigMap into two clusters
  clusterset.fabric.apply:
    name: greeting
    bundles:
      east: &greeting
        - apiVersion: v1
          kind: ConfigMap
          metadata: {name: greeting, namespace: default}
          data: {text: hello}
      west: *greeting
  run_once: true
"""

RETURN = r"""
failed_clusters:
  description: Host name to message, of the clusters where it did not succeed.
  type: dict
  returned: always
objects:
  description: How many objects the bundles of the clusters hold.
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
        "bundles": {"type": "raw", "required": True},
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
