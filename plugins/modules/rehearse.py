#!/usr/bin/python
# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: rehearse
short_description: Rehearse faults under load and say what they cost
version_added: 0.1.0
author:
  - The clusterset.fabric authors (@clusterset)
description:
  - Runs once for all clusters of the play, on the control host, as an action plugin.
  - Starts short-lived pods in each cluster, sends steady UDP and TCP streams between all of them, and meanwhile
    restarts agents and the network plugin, drains gateways, cuts links, and makes gateways drop what they carry.
  - Each fault lasts some seconds, ends by itself, and is taken back at the end, after a failure and after an
    interruption. One gateway at a time is afflicted, and only where another one is fit to take over.
  - A cluster that does not answer is left out and named in RV(failed_clusters), as is one where a bound was missed.
  - The variables that describe the clusters are documented with the role P(clusterset.fabric.rehearse#role).
options:
  scenarios:
    type: list
    elements: str
    choices: [baseline, agent_restart, plugin_restart, rotate, drain, link_cut, gateway_blackhole, gateway_cut]
    default: []
    description: What to rehearse, in this order; all that apply when empty.
  times:
    type: int
    default: 3
    description: Repetitions of each scenario; clusters take turns, and so do their gateways.
  seconds:
    type: int
    default: 12
    description: How long a fault lasts, from 6 to 60 seconds.
  report:
    type: str
    default: ""
    description: Path of the JSON report, written with mode 0644; none is written when empty. It holds no secret.
attributes:
  check_mode:
    support: full
    description: Does nothing in check mode, since it would start pods and make faults.
  diff_mode:
    support: none
    description: There is nothing to compare.
extends_documentation_fragment:
  - clusterset.fabric.fan_out
"""

EXAMPLES = r"""
- name: See what the loss of a gateway costs, ten times
  clusterset.fabric.rehearse:
    scenarios: [gateway_blackhole, gateway_cut]
    times: 10
    report: rehearse.json
  run_once: true
  register: result
"""

RETURN = r"""
failed_clusters:
  description: Host name to message, of the clusters that did not take part or where a bound was missed or not judged.
  type: dict
  returned: always
totals:
  description: Number of repetitions by state.
  type: dict
  returned: when not in check mode
  sample: {"met": 18, "missed": 0, "reported": 3, "skipped": 1, "unknown": 0}
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

SCENARIOS = [
    "baseline",
    "agent_restart",
    "plugin_restart",
    "rotate",
    "drain",
    "link_cut",
    "gateway_blackhole",
    "gateway_cut",
]


def main() -> None:
    """Reached only where the action plugin of the same name was bypassed."""
    module = AnsibleModule(
        argument_spec={
            "scenarios": {"type": "list", "elements": "str", "choices": SCENARIOS, "default": []},
            "times": {"type": "int", "default": 3},
            "seconds": {"type": "int", "default": 12},
            "report": {"type": "str", "default": ""},
        },
        supports_check_mode=True,
    )
    module.fail_json(msg="this runs on the control host, as an action plugin")


if __name__ == "__main__":
    main()
