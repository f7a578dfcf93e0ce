#!/usr/bin/python
# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: verify
short_description: Check that the pods of all clusters reach each other
version_added: 0.1.0
author:
  - The clusterset.fabric authors (@clusterset)
description:
  - Runs once for all clusters of the play, on the control host, as an action plugin.
  - Starts short-lived pods in each cluster, on gateways and on other nodes, and checks every ordered pair of clusters
    by ICMP, TCP, UDP, a payload above the MTU, a transfer both ways and 200 short connections.
  - The receiver must see the sending pod's own address. Each cluster's own DNS is asked too.
  - Prints a matrix, names the broken hop of each failed pair, and takes everything away again, also after a failure.
  - One cluster's failure does not end the others' work; it is returned in RV(failed_clusters).
  - The variables that describe the clusters are documented with the role P(clusterset.fabric.verify#role).
options:
  nodes:
    type: str
    choices: [sample, all]
    default: sample
    description: Check V(sample), which is one gateway and one other node of each cluster, or V(all) ready Linux nodes.
  within:
    type: bool
    default: false
    description: Check the pairs inside each cluster too.
  report:
    type: str
    default: ""
    description: Path of the JSON report, written with mode 0644; none is written when empty. It holds no secret.
attributes:
  check_mode:
    support: full
    description: Does nothing in check mode, since it would start pods.
  diff_mode:
    support: none
    description: There is nothing to compare.
extends_documentation_fragment:
  - clusterset.fabric.fan_out
"""

EXAMPLES = r"""
- name: Check that the clusters reach each other from each node
  clusterset.fabric.verify:
    nodes: all
    report: verify.json
  run_once: true
  register: result
"""

RETURN = r"""
failed_clusters:
  description: Host name to message, of the clusters that did not take part or have a bad pair or bad DNS.
  type: dict
  returned: always
totals:
  description: Number of pairs that are V(ok), V(failed) and V(unknown).
  type: dict
  returned: when not in check mode
  sample: {"ok": 24, "failed": 0, "unknown": 0}
report:
  description: Absolute path of the JSON report.
  type: str
  returned: when not in check mode
requests:
  description: Number of requests to all API servers.
  type: int
  returned: when not in check mode
"""

from ansible.module_utils.basic import AnsibleModule


def main() -> None:
    """Reached only where the action plugin of the same name was bypassed."""
    module = AnsibleModule(
        argument_spec={
            "nodes": {"type": "str", "choices": ["sample", "all"], "default": "sample"},
            "within": {"type": "bool", "default": False},
            "report": {"type": "str", "default": ""},
        },
        supports_check_mode=True,
    )
    module.fail_json(msg="this runs on the control host, as an action plugin")


if __name__ == "__main__":
    main()
