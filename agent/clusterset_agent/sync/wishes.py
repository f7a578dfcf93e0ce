# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Exports that the inventory asks for: which Services are meant, and what tells such an export from people's own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from .names import EXPORTED, MCS, Key, Object, is_ours

_API_SERVER = ("default", "kubernetes")


@dataclass(frozen=True)
class Rule:
    """An entry of ``fabric_exports``: all that it gives must fit."""

    namespace: str = ""
    name: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)

    def means(self, service: Object) -> bool:
        """Whether a Service is chosen."""
        metadata = service["metadata"]
        if self.name:
            return (metadata["namespace"], metadata["name"]) == (self.namespace, self.name)
        fits = self.namespace in ("", metadata["namespace"])
        return fits and self.labels.items() <= (metadata.get("labels") or {}).items() and _eligible(service)


def _eligible(service: Object) -> bool:
    """Whether a Service may be chosen without being named."""
    metadata, kind = service["metadata"], service["spec"].get("type")
    return kind != "ExternalName" and (metadata["namespace"], metadata["name"]) != _API_SERVER


def rules_of(fabric: Object | None) -> tuple[Rule, ...]:
    """Read the rules of the Fabric object."""
    rows = ((fabric or {}).get("spec") or {}).get("exports") or ()
    return tuple(Rule(row.get("namespace", ""), row.get("name", ""), row.get("labels") or {}) for row in rows)


def wanted(rules: Iterable[Rule], service: Object | None) -> bool:
    """Whether the inventory asks for an export of the Service."""
    return service is not None and not is_ours(service) and any(rule.means(service) for rule in rules)


def by_inventory(export: Object) -> bool:
    """Whether we have made the export; people's own are not touched."""
    return EXPORTED in (export["metadata"].get("labels") or {})


def new_export(key: Key, version: str) -> Object:
    """Return the ServiceExport for a chosen Service."""
    metadata = {"namespace": key[0], "name": key[1], "labels": {EXPORTED: "inventory"}}
    return {"apiVersion": f"{MCS}/{version}", "kind": "ServiceExport", "metadata": metadata}
