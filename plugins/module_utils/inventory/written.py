# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clusters written out in the inventory file itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .entries import Entry, fault
from .found import Found


def find(data: Mapping[str, Any], place: str, index: int) -> list[Found]:
    """The clusters of ``{clusters: {name: {variables}}}``, the ``index``-th source of the file."""
    entry = Entry(data, place, ("clusters",))
    clusters = entry.mapping("clusters")
    if not clusters:
        raise fault(entry.at("clusters"), "names no cluster.", "write clusters: {name: {variables}}")
    for name, variables in clusters.items():
        if variables is not None:
            Entry(variables, f"{place}.clusters.{name}")
    return [
        Found(str(name), "clusters", f"{place}.clusters.{name}", {}, written=("sources", index, "clusters", name))
        for name in clusters
    ]
