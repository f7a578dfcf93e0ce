# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The entries of ``fabric_exports``, checked one by one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..errors import FabricError
from .entries import LABEL_KEY, LABEL_VALUE, NAME, Problem, errors_of, unknown_keys
from .types import ExportWish

_KEYS = ("namespace", "name", "labels")


def export_wishes(host: str, entries: Sequence[Mapping[str, Any]]) -> tuple[tuple[ExportWish, ...], list[FabricError]]:
    """The entries as values, and what is wrong with them; an entry with a fault is left out."""
    wishes: list[ExportWish] = []
    errors: list[FabricError] = []
    for number, entry in enumerate(entries, 1):
        problems = list(_problems(entry))
        errors += errors_of(host, "fabric_exports", number, problems)
        if not problems:
            labels = tuple(sorted((entry.get("labels") or {}).items()))
            wishes.append(ExportWish(entry.get("namespace") or "", entry.get("name") or "", labels))
    return tuple(wishes), errors


def _problems(entry: Mapping[str, Any]) -> Iterator[Problem]:
    """What is wrong with one entry, and the fix."""
    yield from unknown_keys(entry, _KEYS)
    for key in ("namespace", "name"):
        value = entry.get(key)
        if value is not None and not (isinstance(value, str) and NAME.fullmatch(value)):
            yield f"{key} {value!r} is not a name of Kubernetes", "write it as kubectl shows it"
    if not any(entry.get(key) for key in _KEYS):
        yield "it chooses nothing", "give a namespace, a namespace and a name, or labels"
    if entry.get("name") and not entry.get("namespace"):
        yield f"name {entry['name']!r} has no namespace", "add the namespace of the Service"
    if entry.get("name") and entry.get("labels"):
        yield f"name {entry['name']!r} and labels are given", "choose by one of them"
    yield from _label_problems(entry.get("labels") or {})


def _label_problems(labels: Any) -> Iterator[Problem]:
    if not isinstance(labels, dict):
        yield f"labels are {labels!r}", "write labels: {key: value}"
        return
    for key, value in labels.items():
        if not (isinstance(key, str) and LABEL_KEY.fullmatch(key)):
            yield f"{key!r} is not the key of a label", "write it as kubectl shows it"
        elif not (isinstance(value, str) and LABEL_VALUE.fullmatch(value)):
            yield f"{value!r} of {key} is not the value of a label", "write it as kubectl shows it, in quotes"
