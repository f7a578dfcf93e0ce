# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Groups by JMESPath over a cluster's labels and variables, without a template."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from . import _lib
from .entries import Entry, fault, kind_of, plain
from .names import VARIABLE

EXAMPLE = "for example labels.env == 'prod'"


@dataclass
class Groups:
    """Groups with the hosts in each, and the groups below each."""

    hosts: dict[str, list[str]] = field(default_factory=dict)
    children: dict[str, list[str]] = field(default_factory=dict)

    def add(self, group: str, host: str = "", child: str = "") -> None:
        """Put a host or another group into a group, once."""
        members = self.hosts.setdefault(group, [])
        if host and host not in members:
            members.append(host)
        if child and child not in self.children.setdefault(group, []):
            self.children[group].append(child)


def compute(expressions: Mapping[str, Any], documents: Mapping[str, Mapping[str, Any]]) -> Groups:
    """The groups that ``cluster_groups:`` asks for.

    :param expressions: group name to JMESPath. A result of true puts the host into that group; a string or number into
        its child ``<group>_<value>``, a list into one child each; false, null and empty into none.
    :param documents: host name to {name, source, labels, properties, vars}.
    """
    groups = Groups()
    for group, expression in Entry(expressions, "cluster_groups").data.items():
        place = f"cluster_groups.{group}"
        compiled = _compile(str(group), expression, place)
        groups.add(group)
        for host, document in documents.items():
            for value in _values(compiled, document, place, host):
                if value is True:
                    groups.add(group, host)
                else:
                    child = f"{group}_{safe(str(value))}"
                    groups.add(group, child=child)
                    groups.add(child, host)
    return groups


def document(name: str, source: str, properties: Mapping[str, str], variables: Mapping[str, Any]) -> dict[str, Any]:
    """What an expression sees of one host, in exact builtin types."""
    shown: dict[str, Any] = plain(variables)
    labels = shown.get("fabric_labels", {})
    return {"name": name, "source": source, "labels": labels, "properties": plain(properties), "vars": shown}


def safe(text: str) -> str:
    """A value as part of a group name: all but letters, digits and '_' becomes '_'."""
    return re.sub(r"[^A-Za-z0-9_]", "_", text)


def _compile(group: str, expression: Any, place: str) -> Any:
    if not VARIABLE.fullmatch(group):
        raise fault(place, f"'{group}' is no group name.", "use letters, digits and '_'")
    if not isinstance(expression, str):
        raise fault(place, f"expected a JMESPath string, found {kind_of(expression)}.", EXAMPLE)
    try:
        return _lib.compile_jmespath(str(expression))
    except ValueError as error:
        reason = " ".join(str(error).split())
        raise fault(place, f"is no JMESPath: {reason}.", EXAMPLE) from None


def _values(compiled: Any, document: Mapping[str, Any], place: str, host: str) -> list[Any]:
    """The results that make groups: True, strings, numbers."""
    try:
        result = compiled.search(document)
    except ValueError as error:
        raise fault(place, f"fails for {host}: {' '.join(str(error).split())}.", "guard it: labels.x && ...") from None
    values = result if isinstance(result, list) else [result]
    kept = [value for value in values if value is not None and value is not False and value != ""]
    for value in kept:
        if isinstance(value, (Mapping, list)):
            raise fault(place, f"gives {kind_of(value)} for {host}.", "it must be true, a string, or a list of strings")
    return kept
