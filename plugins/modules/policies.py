#!/usr/bin/python
# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: policies
short_description: Enforce the policies between the clusters
version_added: 0.1.0
author: The clusterset.fabric authors (@clusterset)
description:
  - Runs once for all clusters of the play, on the control host, as an action plugin.
  - One cluster's failure does not end the others' work; it is returned in RV(failed_clusters).
  - The variables that describe the clusters are documented with the role P(clusterset.fabric.policies#role).
options:
  plan:
    type: path
    required: true
    description: Path of the plan file that M(clusterset.fabric.plan) returned.
extends_documentation_fragment:
  - clusterset.fabric.fan_out
"""

EXAMPLES = r"""
- name: Enforce the policies between the clusters
  clusterset.fabric.policies:
    plan: "{{ preflight_result.plan }}"
  run_once: true
  register: result
"""

RETURN = r"""
failed_clusters:
  description: Host name to message, of the clusters where it did not succeed.
  type: dict
  returned: always
"""

from ansible.module_utils.basic import AnsibleModule


def main() -> None:
    """Reached only where the action plugin of the same name was bypassed."""
    module = AnsibleModule(argument_spec={"plan": {"type": "path", "required": True}}, supports_check_mode=True)
    module.fail_json(msg="this runs on the control host, as an action plugin")


if __name__ == "__main__":
    main()
