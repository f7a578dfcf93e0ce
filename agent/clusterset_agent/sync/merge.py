# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many clusters' exports of one service become one service: the oldest export wins, and who disagrees is told."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .export import HEADLESS_TYPE, Export, Port


@dataclass(frozen=True)
class Merged:
    """One multi-cluster service. ``exports`` is oldest first; ``conflicts`` maps reasons of KEP-1645 to sentences."""

    exports: tuple[Export, ...]
    ports: tuple[Port, ...]
    conflicts: Mapping[str, str]

    @property
    def oldest(self) -> Export:
        """The export that decides where clusters disagree."""
        return self.exports[0]

    @property
    def headless(self) -> bool:
        """Whether the service has no address of its own."""
        return self.oldest.type == HEADLESS_TYPE

    @property
    def clusters(self) -> tuple[str, ...]:
        """Ids of the exporting clusters, in order."""
        return tuple(sorted(export.cluster for export in self.exports))


def merge(exports: Iterable[Export]) -> Merged | None:
    """Join the exports of one service, at most one of each cluster; None if there is none.

    Every cluster computes it alike: creation times have a resolution of a second, so the cluster's id decides a tie.
    """
    ordered = tuple(sorted(exports, key=lambda export: (export.since, export.cluster)))
    if not ordered:
        return None
    return Merged(ordered, _union(ordered), _conflicts(ordered))


def _union(exports: Sequence[Export]) -> tuple[Port, ...]:
    """Ports of all exports: of two with the same name, or the same protocol and number, the older one."""
    names: set[str] = set()
    numbers: set[tuple[str, int]] = set()
    ports: list[Port] = []
    for port in (port for export in exports for port in export.ports):
        if port.name not in names and (port.protocol, port.port) not in numbers:
            ports.append(port)
            names.add(port.name)
            numbers.add((port.protocol, port.port))
    return tuple(ports)


_RULES: Sequence[tuple[str, str, Callable[[Export], Any]]] = (
    ("TypeConflict", "the type", lambda export: export.type),
    ("PortConflict", "the ports", lambda export: frozenset(export.ports)),
    ("SessionAffinityConflict", "the session affinity", lambda export: export.affinity),
    ("SessionAffinityConfigConflict", "the time of the session affinity", lambda export: export.affinity_seconds),
    ("InternalTrafficPolicyConflict", "the internal traffic policy", lambda export: export.internal_policy),
    ("TrafficDistributionConflict", "the traffic distribution", lambda export: export.distribution),
    ("IPFamilyConflict", "the address families", lambda export: frozenset(export.families)),
    ("LabelsConflict", "the exported labels", lambda export: dict(export.labels)),
    ("AnnotationsConflict", "the exported annotations", lambda export: dict(export.annotations)),
)


def _conflicts(exports: Sequence[Export]) -> dict[str, str]:
    """Each property in which some export differs from the oldest one."""
    oldest, found = exports[0], {}
    for reason, words, value in _RULES:
        others = sorted(export.cluster for export in exports[1:] if value(export) != value(oldest))
        if others:
            what = f"{words} of all exports" if reason == "PortConflict" else f"{words} of the oldest export"
            found[reason] = (
                f"using {what}, {oldest.cluster}'s first; "
                f"{len(others)} of {len(exports)} clusters disagree: {', '.join(others)}"
            )
    return found
