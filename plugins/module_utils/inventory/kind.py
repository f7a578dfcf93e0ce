# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All local kind clusters, found in the kubeconfig that kind writes.

kind names context, cluster and user ``kind-<name>`` alike, and takes the three away when it deletes a cluster. That is
enough to find them: neither Docker nor the kind command is asked, which may be absent, slow, or speak of another
machine. A cluster without a context could not be used anyway.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .entries import Entry, fault, kind_of, listed, matching, nearest
from .found import Found
from .kubeconfig import read_contexts, reference, search_path

PREFIX = "kind-"


def find(data: Mapping[str, Any], place: str, base: str) -> list[Found]:
    """The clusters of ``{kind: true | [patterns of cluster names], kubeconfig: path}``; host name is the cluster's."""
    entry = Entry(data, place, ("kind", "kubeconfig"))
    patterns = _patterns(entry)
    paths = search_path(data.get("kubeconfig", True), base, entry.at("kubeconfig"))
    clusters = {
        context.name.removeprefix(PREFIX): context
        for context in read_contexts(paths, place).values()
        if context.name.startswith(PREFIX) and context.name == context.cluster == context.user
    }
    if patterns and not clusters:
        raise fault(place, f"no kind cluster in {listed(paths)}.", "create one, or name its file with kubeconfig:")
    for pattern in patterns:
        if not matching(pattern, clusters):
            what = f"'{pattern}' matches no kind cluster.{nearest(pattern, clusters)}"
            raise fault(entry.at("kind"), what, f"there are: {listed(clusters)}")
    chosen = [name for name in clusters if any(matching(pattern, [name]) for pattern in patterns)]
    return [Found(name, "kind", place, reference(clusters[name])) for name in chosen]


def _patterns(entry: Entry) -> list[str]:
    value = entry.data["kind"]
    if isinstance(value, bool):
        return ["*"] if value else []
    if not isinstance(value, (str, list)):
        raise fault(entry.at("kind"), f"expected true or a list of names, found {kind_of(value)}.", "write kind: true")
    return entry.texts("kind")
