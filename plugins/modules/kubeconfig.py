#!/usr/bin/python
# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: kubeconfig
short_description: Give a person or a job access to the clusters for some hours
version_added: 0.1.0
author: The clusterset.fabric authors (@clusterset)
description:
  - Runs once for all clusters of the play, on the control host, as an action plugin.
  - Makes an account for the holder in each cluster, binds it to one ClusterRole, and writes one kubeconfig with a token
    for each cluster, which ends by itself.
  - One cluster's failure does not end the others' work; it is returned in RV(failed_clusters), and the kubeconfig has
    no context for it.
options:
  name:
    type: str
    default: ""
    description: Name of the person or the job; at most 53 lower-case letters, digits and dashes. Has to be given.
  role:
    type: str
    default: view
    description:
      - ClusterRole that the holder gets in all namespaces. Each cluster must have it.
      - With another one than before, what was given to the holder before ends.
  hours:
    type: int
    default: 8
    description: Life of the tokens in hours, from 1 to 168. An API server may make it shorter; see RV(until).
  path:
    type: str
    required: true
    description: Path of the kubeconfig, written with mode 0600 and replaced as a whole. No other file is overwritten.
  state:
    type: str
    choices: [present, absent]
    default: present
    description:
      - With V(absent), removes the holder's accounts, which ends every token of theirs.
      - Deletes the kubeconfig, too, unless it holds other clusters than those of the play.
attributes:
  check_mode:
    support: full
    description: Asks the API servers what would be done, and changes neither a cluster nor the kubeconfig.
  diff_mode:
    support: none
    description: The difference would be a credential.
extends_documentation_fragment:
  - clusterset.fabric.fan_out
"""

EXAMPLES = r"""
- name: Give Ada four hours in the clusters of this play
  clusterset.fabric.kubeconfig:
    name: ada
    hours: 4
    path: ada.yml
  run_once: true
  register: result
"""

RETURN = r"""
failed_clusters:
  description: Host name to message, of the clusters where it did not succeed.
  type: dict
  returned: always
path:
  description: Path of the kubeconfig, which alone holds the tokens.
  type: str
  returned: success
until:
  description: Host name to the time when access ends there, by RFC 3339; empty text in check mode.
  type: dict
  returned: success
"""

from ansible.module_utils.basic import AnsibleModule


def main() -> None:
    """Reached only where the action plugin of the same name was bypassed."""
    module = AnsibleModule(
        argument_spec={
            "name": {"type": "str", "default": ""},
            "role": {"type": "str", "default": "view"},
            "hours": {"type": "int", "default": 8},
            "path": {"type": "str", "required": True},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        },
        supports_check_mode=True,
    )
    module.fail_json(msg="this runs on the control host, as an action plugin")


if __name__ == "__main__":
    main()
