# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: clusters
short_description: Every Kubernetes cluster is a host
version_added: 0.1.0
author:
  - the clusterset.fabric authors
description:
  - Makes an inventory host of each Kubernetes cluster that its sources name.
  - Any number of sources of any kind can be mixed.
  - Hosts hold references to credentials (path of a kubeconfig, name of a context), never a credential. What looks like
    a secret by its name or value is refused.
  - Every host is in the group C(clusters), which sets C(ansible_connection) and C(ansible_python_interpreter), so that
    plays need neither.
  - The file is named C(clusters.yml), C(clusters.yaml), or ends in C(.clusters.yml) or C(.clusters.yaml).
notes:
  - Variables of this file are host variables, which win over C(group_vars) and lose to C(host_vars).
options:
  plugin:
    description: Marks a file as one for this plugin.
    type: str
    required: true
    choices: [clusterset.fabric.clusters]
  sources:
    description: Where clusters are found. The first key of an entry says of which kind it is.
    type: list
    elements: dict
    required: true
    suboptions:
      kubeconfig:
        description:
          - Path of a kubeconfig, or a list of paths, or V(true) for the files of E(KUBECONFIG), else C(~/.kube/config).
          - A relative path starts at the folder of the inventory file; C(~) and C($NAME) are expanded.
          - Each context is a cluster.
        type: raw
      contexts:
        description: Names or shell patterns of the contexts to take from O(sources[].kubeconfig). All by default.
        type: list
        elements: str
      strip_prefix:
        description: Taken off the front of a context's name to make the host's name.
        type: str
      strip_suffix:
        description: Taken off the end of a context's name to make the host's name.
        type: str
      names:
        description: Host names by context, for those that shall be named otherwise.
        type: dict
      clusters:
        description: Clusters written out, by host name, each with its variables.
        type: dict
  variables:
    description:
      - Variables by host name or shell pattern of host names.
      - Entries are applied in their order, later ones win; variables in O(sources[].clusters) win over all of them.
      - Only C(fabric_labels) is joined key by key instead of replaced.
    type: dict
    default: {}
  cluster_groups:
    description:
      - Groups by JMESPath over the document C({name, source, labels, properties, vars}) of each cluster.
      - Where the result is true, the host is in the group. A string or a number puts it into the group's
        child C(<group>_<value>), a list into one child for each. With V(false), null or nothing it is in none.
    type: dict
    default: {}
extends_documentation_fragment:
  - constructed
  - inventory_cache
"""

EXAMPLES = r"""
# clusters.yml: all contexts of a file, and one cluster written out
plugin: clusterset.fabric.clusters
sources:
  - kubeconfig: ~/.kube/config
    contexts: ["prod-*", "edge"]
    strip_prefix: prod-
  - clusters:
      lisbon:
        fabric_kubeconfig: credentials/lisbon.yaml
        fabric_context: admin@lisbon
        fabric_labels: {region: eu-west}
variables:
  "*":
    fabric_deadline: 120
  edge:
    fabric_labels: {region: ap-south}
cluster_groups:
  region: labels.region              # groups region_eu_west, region_ap_south below region
  quick: vars.fabric_deadline < `60`
"""

import os
import re
from typing import Any

from ansible.errors import AnsibleParserError
from ansible.plugins.inventory import BaseInventoryPlugin, Cacheable, Constructable
from ansible.template import trust_as_template

from ..module_utils.errors import FabricError
from ..module_utils.inventory import hostmap
from ..module_utils.inventory.entries import Entry

FILE_NAME = re.compile(r"(.*\.)?clusters\.ya?ml")
# Text that no template engine can take for a template: trust lets AWX see it plainly, and can do no harm.
HARMLESS = re.compile(r"[\w ./:@,+=~-]*")
CONNECTION = {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}


class InventoryModule(BaseInventoryPlugin, Constructable, Cacheable):
    """Reads the file, calls the core, hands the result to Ansible."""

    NAME = "clusterset.fabric.clusters"

    def verify_file(self, path: str) -> bool:
        """Whether the file is named like one of ours."""
        return bool(super().verify_file(path)) and bool(FILE_NAME.fullmatch(os.path.basename(path)))

    def parse(self, inventory: Any, loader: Any, path: str, cache: bool = True) -> None:
        """Fill the inventory from one file; each error names the file, the entry and the fix."""
        super().parse(inventory, loader, path, cache)
        config = self._read_config_data(path)
        base = os.path.dirname(os.path.abspath(path))
        try:
            Entry(config, "", self.option_definitions)
            hosts = hostmap.build(config, base)
            self._fill(hosts, hosts.variables(config, base))
        except FabricError as error:
            raise AnsibleParserError(f"{path}: {error}") from error

    def _fill(self, hosts: hostmap.HostMap, finished: dict[str, dict[str, Any]]) -> None:
        self.inventory.add_group(hostmap.GROUP)
        for name, value in CONNECTION.items():
            self.inventory.set_variable(hostmap.GROUP, name, trust_as_template(value))
        for host, variables in finished.items():
            self.inventory.add_host(host, group=hostmap.GROUP)
            for name, value in variables.items():
                self.inventory.set_variable(host, name, visible(value))
        for group, members in hosts.groups.hosts.items():
            self.inventory.add_group(group)
            for host in members:
                self.inventory.add_child(group, host)
        for group, children in hosts.groups.children.items():
            for child in children:
                self.inventory.add_child(group, child)
        for host, variables in finished.items():
            self._construct(host, variables)

    def _construct(self, host: str, variables: dict[str, Any]) -> None:
        """Ansible's own compose, groups and keyed_groups; no call at all for those that are unset."""
        strict = self.get_option("strict")
        if compose := self.get_option("compose"):
            self._set_composite_vars(compose, variables, host, strict=strict)
        if groups := self.get_option("groups"):
            self._add_host_to_composed_groups(groups, variables, host, strict=strict)
        if keyed := self.get_option("keyed_groups"):
            self._add_host_to_keyed_groups(keyed, variables, host, strict=strict)


def visible(value: Any) -> Any:
    """The same value, its harmless strings marked as trusted, so that exports show them as plain strings."""
    if isinstance(value, str):
        return trust_as_template(value) if HARMLESS.fullmatch(value) else value
    if isinstance(value, dict):
        return {visible(key): visible(item) for key, item in value.items()}
    if isinstance(value, list):
        return [visible(item) for item in value]
    return value
