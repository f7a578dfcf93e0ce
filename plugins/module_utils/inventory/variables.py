# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Variables by cluster and by pattern.

Precedence, later wins: the source's own, then the entries of ``variables:`` in their order, then those written beside a
cluster. Only ``fabric_labels`` is joined key by key instead of replaced.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .entries import Entry, fault, listed, matching, nearest
from .found import Found
from .kubeconfig import absolute
from .names import VARIABLE, is_template
from .secrets import refuse_secrets

Layer = Sequence[str | int]  # keys that lead from the file's root to a mapping of variables
LABELS = "fabric_labels"
PATH = "fabric_kubeconfig"


def layers(config: Mapping[str, Any], clusters: Sequence[Found]) -> dict[str, list[Layer]]:
    """For each cluster the places of its variables, in their precedence. Every pattern must match a cluster."""
    found: dict[str, list[Layer]] = {cluster.name: [] for cluster in clusters}
    for pattern, variables in Entry(config, "").mapping("variables").items():
        place = f"variables.{pattern}"
        names = matching(pattern, found)
        if not names:
            raise fault(place, f"matches no cluster.{nearest(pattern, found)}", f"there are: {listed(found)}")
        check(variables, place)
        for name in names:
            found[name].append(("variables", pattern))
    for cluster in clusters:
        if cluster.written:
            check(look_up(config, cluster.written), cluster.place)
            found[cluster.name].append(cluster.written)
    return found


def look_up(config: Any, layer: Layer) -> Mapping[str, Any]:
    """The mapping of variables at a place of the file; null is an empty one."""
    for key in layer:
        config = config[key]
    return config or {}


def check(variables: Any, place: str) -> None:
    """Refuse what cannot be a host variable, and secrets."""
    entry = Entry({} if variables is None else variables, place)
    for name in entry.data:
        if not isinstance(name, str) or not VARIABLE.fullmatch(name):
            fix = "use letters, digits and '_'; labels belong into fabric_labels"
            raise fault(place, f"'{name}' is no variable name.", fix)
    for name, value in entry.mapping(LABELS).items():
        if isinstance(value, (Mapping, list)):
            raise fault(f"{place}.{LABELS}.{name}", "is not one value.", "a label is a name and a string")
    if isinstance(entry.data.get(PATH), Mapping):
        raise fault(f"{place}.{PATH}", "holds a kubeconfig itself; it must be a path.", "write its path")
    refuse_secrets(entry.data, place)


def merge(own: Mapping[str, Any], config: Mapping[str, Any], chain: Sequence[Layer], base: str) -> dict[str, Any]:
    """The host variables of one cluster: ``own`` below its layers; a relative kubeconfig path starts at ``base``."""
    merged = dict(own)
    for layer in chain:
        variables = look_up(config, layer)
        labels = {**merged.get(LABELS, {}), **(variables.get(LABELS) or {})}
        merged.update(variables)
        merged[LABELS] = labels
        path = variables.get(PATH)
        if isinstance(path, str) and not is_template(path):
            merged[PATH] = absolute(path, base, ".".join(str(key) for key in (*layer, PATH)))
    return merged
