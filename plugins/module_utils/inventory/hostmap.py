# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the inventory file's options to the finished map of hosts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from . import clusterprofile, kind, kubeconfig, written
from .entries import Entry, fault, kind_of, listed, nearest
from .found import Found
from .groups import Groups, compute, document
from .names import check_hosts, check_ids
from .references import check_references
from .variables import LABELS, Layer, layers, merge

GROUP = "clusters"  # every cluster is in it, whatever its source
SOURCES = ("kubeconfig", "kind", "cluster_profiles", "clusters")


@dataclass
class HostMap:
    """Hosts, ready to be given to Ansible or to a cache.

    The operator's variables are not in it but referred to (``chain``): they stay in the file, with its trust.

    :param own: host name to the variables that the source found.
    :param chain: host name to the places of its variables in the file.
    :param groups: groups by JMESPath and by Ansible's own ways.
    :param composed: host name to variables that templates gave; they come last.
    """

    own: dict[str, dict[str, Any]]
    chain: dict[str, list[Layer]]
    groups: Groups = field(default_factory=Groups)
    composed: dict[str, dict[str, Any]] = field(default_factory=dict)

    def dump(self) -> dict[str, Any]:
        """Plain data for a cache."""
        return asdict(self)

    @classmethod
    def load(cls, data: Mapping[str, Any]) -> HostMap:
        """The map that ``dump`` wrote."""
        return cls(dict(data["own"]), dict(data["chain"]), Groups(**data["groups"]), dict(data["composed"]))

    def variables(self, config: Mapping[str, Any], base: str) -> dict[str, dict[str, Any]]:
        """Host name to its finished variables."""
        return {name: merge(own, config, self.chain[name], base) for name, own in self.own.items()}


def build(config: Mapping[str, Any], base: str) -> HostMap:
    """Read all sources and compute the map; raises FabricError that names the entry and the fix.

    :param config: the inventory file's options.
    :param base: the file's folder, at which relative paths start.
    """
    clusters = find_all(config, base)
    check_hosts(clusters, GROUP)
    own = {cluster.name: _own(cluster) for cluster in clusters}
    result = HostMap(own, layers(config, clusters))
    finished = result.variables(config, base)
    places = {cluster.name: cluster.place for cluster in clusters}
    check_ids(finished, own, places)
    check_references(finished, own, places)
    expressions = config.get("cluster_groups")
    if expressions:
        documents = {c.name: document(c.name, c.source, c.properties, finished[c.name]) for c in clusters}
        result.groups = compute(expressions, documents)
        _check_groups(result)
    return result


def check_shape(config: Mapping[str, Any], known: Iterable[str]) -> None:
    """Refuse options outside ``known``, and ours if they are no list or mapping."""
    entry = Entry(config, "", known)
    sources = config.get("sources")
    if not isinstance(sources, list) or not sources:
        raise fault("sources", f"expected a list, found {kind_of(sources)}.", "write sources: [{kubeconfig: path}]")
    for option in ("variables", "cluster_groups", "compose", "groups"):
        entry.mapping(option)


def find_all(config: Mapping[str, Any], base: str) -> list[Found]:
    """The clusters of all sources, in their order."""
    found: list[Found] = []
    for index, source in enumerate(config["sources"]):
        found.extend(_find(source, index, base))
    return found


def _find(source: Any, index: int, base: str) -> list[Found]:
    place = f"sources[{index}]"
    data = Entry(source, place).data
    if "kind" in data:
        return kind.find(data, place, base)
    if "cluster_profiles" in data:
        return clusterprofile.find(data, place, base)
    if "kubeconfig" in data:
        return kubeconfig.find(data, place, base)
    if "clusters" in data:
        return written.find(data, place, index)
    first = str(next(iter(data), ""))
    raise fault(place, f"is no known kind of source.{nearest(first, SOURCES)}", f"use one of: {listed(SOURCES)}")


def _own(cluster: Found) -> dict[str, Any]:
    return {"fabric_cluster_id": cluster.name, **cluster.own, LABELS: dict(cluster.labels)}


def _check_groups(result: HostMap) -> None:
    for group in result.groups.hosts:
        if group in result.own or group in (GROUP, "all", "ungrouped"):
            raise fault(f"cluster_groups.{group}", f"'{group}' is a host or a group already.", "name it otherwise")
