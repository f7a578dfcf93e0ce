# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The entries of ``fabric_policies``, checked one by one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..errors import FabricError
from .entries import LABEL_KEY, LABEL_VALUE, NAME, Problem, errors_of, unknown_keys
from .types import PodSelector, PolicyWish

ACTIONS = ("allow", "deny")
PROTOCOLS = ("tcp", "udp", "sctp")
HIGHEST_ORDER = 65535
DEFAULT_ORDER = 1000
_KEYS = ("name", "from", "to", "ports", "order", "action")
_FROM_KEYS = ("labels", "namespaces", "clusters")
_TO_KEYS = (*_FROM_KEYS, "export")
_PORT = re.compile(r"(?:([a-z]+)/)?(\d{1,5})(?:-(\d{1,5}))?")


def policy_wishes(host: str, entries: Sequence[Mapping[str, Any]]) -> tuple[tuple[PolicyWish, ...], list[FabricError]]:
    """The entries as values, in the order in which they decide, and what is wrong with them."""
    wishes: list[PolicyWish] = []
    errors: list[FabricError] = []
    for number, entry in enumerate(entries, 1):
        problems = list(_problems(entry))
        if not problems and any(entry["name"] == wish.name for wish in wishes):
            problems = [(f"the name {entry['name']!r} is taken by an earlier entry", "give each entry its own name")]
        errors += errors_of(host, "fabric_policies", number, problems)
        if not problems:
            wishes.append(_wish(entry))
    return tuple(sorted(wishes, key=lambda wish: (wish.order, wish.name))), errors


def _wish(entry: Mapping[str, Any]) -> PolicyWish:
    return PolicyWish(
        name=entry["name"],
        source=_selector(entry.get("from") or {}),
        target=_selector(entry.get("to") or {}),
        ports=tuple(sorted({port for text in entry.get("ports") or () for port in [_port(text)] if port})),
        order=int(entry.get("order", DEFAULT_ORDER)),
        action=entry.get("action", "allow"),
    )


def _selector(given: Mapping[str, Any]) -> PodSelector:
    return PodSelector(
        labels=tuple(sorted((key, _text(value)) for key, value in (given.get("labels") or {}).items())),
        namespaces=tuple(sorted(set(given.get("namespaces") or ()))),
        clusters=tuple(sorted(set(given.get("clusters") or ()))),
        export=given.get("export") or "",
    )


def _text(value: Any) -> str:
    """Labels are strings; YAML reads an unquoted ``true`` or ``1`` as something else."""
    return str(value).lower() if isinstance(value, bool) else str(value if value is not None else "")


def _problems(entry: Mapping[str, Any]) -> Iterator[Problem]:
    yield from unknown_keys(entry, _KEYS)
    name = entry.get("name")
    if not isinstance(name, str) or not NAME.fullmatch(name):
        yield f"name is {name!r}", "use 1-63 lower-case letters, digits and '-', such as frontend-to-db"
    for side, keys in (("from", _FROM_KEYS), ("to", _TO_KEYS)):
        given = entry.get(side)
        if side not in entry or not isinstance(given, dict | None):
            yield f"{side} is {given!r}", f"write {side}: {{labels: {{app: db}}}}, or {side}: {{}} for all pods"
        else:
            yield from _selector_problems(side, given or {}, keys)
    ports = entry.get("ports") or []
    if not isinstance(ports, list):
        yield f"ports is {ports!r}", "write a list, such as [5432, udp/53, tcp/8000-8010]"
    else:
        for port in ports:
            if not _port(port):
                yield f"ports has {port!r}", "write 5432, udp/53 or tcp/8000-8010, from 1 to 65535"
    order = entry.get("order", DEFAULT_ORDER)
    if isinstance(order, bool) or not str(order).isdecimal() or not 0 <= int(order) <= HIGHEST_ORDER:
        yield f"order is {order!r}", f"give a number from 0 to {HIGHEST_ORDER}; lower ones decide first"
    if entry.get("action", "allow") not in ACTIONS:
        yield f"action is {entry['action']!r}", "write allow or deny"


def _selector_problems(side: str, given: Mapping[str, Any], keys: Sequence[str]) -> Iterator[Problem]:
    yield from unknown_keys(given, keys, f" in {side}")
    labels = given.get("labels") or {}
    if not isinstance(labels, dict):
        yield f"{side}: labels is {labels!r}", "write labels: {app: db}"
    else:
        for key, value in labels.items():
            if not LABEL_KEY.fullmatch(str(key)) or not LABEL_VALUE.fullmatch(_text(value)):
                yield f"{side}: {key}={value!r} is not a label", "write a label as pods have it, such as app: db"
    for key in ("namespaces", "clusters"):
        names = given.get(key) or []
        if not isinstance(names, list) or not all(isinstance(name, str) and name for name in names):
            yield f"{side}: {key} is {names!r}", f"write a list of names, such as {key}: [shop]"
    export = given.get("export") or ""
    parts = export.split("/") if isinstance(export, str) else []
    if export and (len(parts) != 2 or not all(map(NAME.fullmatch, parts))):
        yield f"{side}: export is {export!r}", "write export: namespace/service"
    if export and (given.get("labels") or given.get("namespaces")):
        yield f"{side}: export {export!r} is given beside labels or namespaces", "an export says which pods: drop them"


def _port(text: Any) -> str:
    """A port or a range as ``tcp/80`` or ``udp/53-60``; "" for anything else."""
    found = _PORT.fullmatch(str(text)) if not isinstance(text, bool) else None
    if not found:
        return ""
    protocol, low, high = found[1] or "tcp", int(found[2]), int(found[3] or found[2])
    if protocol not in PROTOCOLS or not 1 <= low <= high <= 65535:
        return ""
    return f"{protocol}/{low}" + (f"-{high}" if high != low else "")
