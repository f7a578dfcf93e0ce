# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: clusters
short_description: Every Kubernetes cluster is a host
version_added: 0.1.0
author:
  - The clusterset.fabric authors (@clusterset)
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
          - Beside O(sources[].kind), the file where kind's contexts are; V(true) by default.
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
      kind:
        description:
          - V(true) for all local kind clusters, or names or shell patterns of some.
          - They are the contexts C(kind-NAME) in O(sources[].kubeconfig) whose cluster and user are named so, too.
            Neither Docker nor the kind command is needed. The host is named C(NAME).
        type: raw
      cluster_profiles:
        description:
          - ClusterProfile objects (C(multicluster.x-k8s.io/v1alpha1)) of a hub.
          - The host is named like the object and gets its labels. Its cluster id is the
            property C(cluster.clusterset.k8s.io), else its name.
        type: dict
        suboptions:
          kubeconfig:
            description: Kubeconfig of the hub, as in O(sources[].kubeconfig); V(true) by default.
            type: raw
          context:
            description: Context of the hub; the current one by default.
            type: str
          namespace:
            description: Namespace of the objects; all by default.
            type: str
          selector:
            description: Label selector that chooses objects.
            type: str
          deadline:
            description: Seconds that the hub may take to answer.
            type: float
            default: 15
          directory:
            description: Folder for the kubeconfigs that an C(exec) way needs. They hold no secret.
            type: path
            default: ~/.cache/clusterset.fabric
          access:
            description:
              - What an access provider of the hub means here, by its name or a shell pattern, the preferred one first
                and V(*) always last.
              - Either C({kubeconfig, context}), in which C({name}) and C({namespace}) stand for those of the object,
                or C({exec}), an exec plugin as a kubeconfig describes it. It is then used with the
                server and certificate authority that the hub publishes.
              - A C({kubeconfig}) under V(*) also suits objects without a provider.
            type: dict
            required: true
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

---
# lab.clusters.yml: the kind clusters of this machine
plugin: clusterset.fabric.clusters
sources:
  - kind: true

---
# hub.clusters.yml: what a hub knows, cached for ten minutes
plugin: clusterset.fabric.clusters
sources:
  - cluster_profiles:
      kubeconfig: ~/.kube/hub
      namespace: hub
      selector: environment=production
      access:
        company-sso:
          exec: {command: company-login, args: [--audience, kubernetes]}
        "*":
          kubeconfig: credentials/{name}.yaml
cache: true
cache_plugin: ansible.builtin.jsonfile
cache_connection: ~/.cache/ansible-inventory
cache_timeout: 600
"""

import os
import re
from typing import Any

from ansible.errors import AnsibleParserError
from ansible.inventory.data import InventoryData
from ansible.plugins.inventory import BaseInventoryPlugin, Cacheable, Constructable
from ansible.template import trust_as_template

from ..module_utils.errors import FabricError
from ..module_utils.inventory import cachekey, hostmap
from ..module_utils.inventory.groups import Groups
from ..module_utils.inventory.secrets import refuse_secrets

FILE_NAME = re.compile(r"(.*\.)?clusters\.ya?ml")
# Text that no template engine can take for a template: trust lets AWX see it plainly, and can do no harm.
HARMLESS = re.compile(r"[\w ./:@,+=~-]*")
CONNECTION = {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}
BUILT_IN = ("all", "ungrouped")


class InventoryModule(BaseInventoryPlugin, Constructable, Cacheable):
    """Reads the file, calls the core, hands the result to Ansible."""

    NAME = "clusterset.fabric.clusters"

    def verify_file(self, path: str) -> bool:
        """Whether the file is named like one of ours."""
        return bool(super().verify_file(path)) and bool(FILE_NAME.fullmatch(os.path.basename(path)))

    def parse(self, inventory: Any, loader: Any, path: str, cache: bool = True) -> None:
        """Fill the inventory from one file; each error names the file, the entry and the fix."""
        super().parse(inventory, loader, path, cache)
        try:
            config = self._read_config_data(path)
            self._fill(*self._finished(config, path, cache))
        except FabricError as error:
            raise AnsibleParserError(f"{path}: {error}") from error

    def set_options(self, task_keys: Any = None, var_options: Any = None, direct: Any = None) -> None:
        """Look at the file's options before Ansible does, whose complaint would show their values."""
        if direct:
            hostmap.check_shape(direct, self.option_definitions)
        super().set_options(task_keys=task_keys, var_options=var_options, direct=direct)

    def _finished(self, config: Any, path: str, read: bool) -> tuple[hostmap.HostMap, dict[str, dict[str, Any]]]:
        """The finished map and the hosts' variables, from the cache where that holds this very question."""
        base = os.path.dirname(os.path.abspath(path))
        if not self.get_option("cache"):
            return self._build(config, base)
        key = self.get_cache_key(path)
        digest = cachekey.digest(config, base, self._vars if self.get_option("use_extra_vars") else None)
        stored = self._cache.get(key) if read else None
        if stored and stored.get("digest") == digest:
            hosts = hostmap.HostMap.load(stored["map"])
            if cachekey.intact(hosts.own):
                return hosts, hosts.variables(config, base)
        hosts, finished = self._build(config, base)
        self._cache[key] = {"digest": digest, "map": hosts.dump()}
        return hosts, finished

    def _build(self, config: Any, base: str) -> tuple[hostmap.HostMap, dict[str, dict[str, Any]]]:
        hosts = hostmap.build(config, base)
        finished = hosts.variables(config, base)
        if any(self.get_option(option) for option in ("compose", "groups", "keyed_groups")):
            self._construct(hosts, finished)
        return hosts, finished

    def _construct(self, hosts: hostmap.HostMap, finished: dict[str, dict[str, Any]]) -> None:
        """Add what Ansible's own compose, groups and keyed_groups give, computed apart so that it can be cached."""
        target, self.inventory = self.inventory, InventoryData()
        try:
            for host, variables in finished.items():
                self.inventory.add_host(host)
                strict = self.get_option("strict")
                self._set_composite_vars(self.get_option("compose"), variables, host, strict=strict)
                self._add_host_to_composed_groups(self.get_option("groups"), variables, host, strict=strict)
                self._add_host_to_keyed_groups(self.get_option("keyed_groups"), variables, host, strict=strict)
                hosts.composed[host] = self.inventory.get_host(host).vars
                refuse_secrets(hosts.composed[host], "compose")
            self._collect(hosts.groups)
        finally:
            self.inventory = target

    def _collect(self, groups: Groups) -> None:
        """Take over the groups that were made aside."""
        for name, group in self.inventory.groups.items():
            if name not in BUILT_IN:
                groups.hosts.setdefault(name, [])
                for host in group.hosts:
                    groups.add(name, host=host.name)
                for child in group.child_groups:
                    groups.add(name, child=child.name)

    def _fill(self, hosts: hostmap.HostMap, finished: dict[str, dict[str, Any]]) -> None:
        """Hand hosts, groups and variables to Ansible."""
        self.inventory.add_group(hostmap.GROUP)
        for name, value in CONNECTION.items():
            self.inventory.set_variable(hostmap.GROUP, name, trust_as_template(value))
        for host, variables in finished.items():
            self.inventory.add_host(host, group=hostmap.GROUP)
            for name, value in {**variables, **hosts.composed.get(host, {})}.items():
                self.inventory.set_variable(host, name, visible(value))
        for group in hosts.groups.hosts:
            self.inventory.add_group(group)
        for members in (hosts.groups.hosts, hosts.groups.children):
            for group, names in members.items():
                for name in names:
                    self.inventory.add_child(group, name)


def visible(value: Any) -> Any:
    """The same value, its harmless strings marked as trusted, so that exports show them as plain strings."""
    if isinstance(value, str):
        return trust_as_template(value) if HARMLESS.fullmatch(value) else value
    if isinstance(value, dict):
        return {visible(key): visible(item) for key, item in value.items()}
    if isinstance(value, list):
        return [visible(item) for item in value]
    return value
