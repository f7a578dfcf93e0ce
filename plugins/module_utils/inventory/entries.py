# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One mapping of the inventory file with its place in it, so that each complaint names the entry and the fix."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from fnmatch import fnmatchcase
from typing import Any

from ..errors import FabricError


def fault(place: str, message: str, fix: str = "") -> FabricError:
    """An error about one entry, for example ``sources[1].contexts[0]: ...``."""
    return FabricError(f"{place}: {message}" if place else message, fix=fix)


def nearest(name: str, known: Iterable[str]) -> str:
    """`` Did you mean 'x'?`` for the known name nearest to this one, else nothing."""
    close = get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f" Did you mean '{close[0]}'?" if close else ""


def listed(names: Iterable[str], limit: int = 30) -> str:
    """Sorted names for a message, cut after ``limit``."""
    every = sorted(names)
    more = f" and {len(every) - limit} more" if len(every) > limit else ""
    return (", ".join(every[:limit]) or "none") + more


def matching(pattern: str, names: Iterable[str]) -> list[str]:
    """The names that a shell pattern (``*``, ``?``, ``[ab]``) matches, case sensitive, in their order."""
    return [name for name in names if fnmatchcase(name, pattern)]


def plain(value: Any) -> Any:
    """The same data in exact builtin types: libraries that look at exact types do not know Ansible's tagged ones."""
    if isinstance(value, str):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, (int, float)):
        return int(value) if isinstance(value, int) else float(value)
    return str(value)


class Entry:
    """A mapping at a place of the inventory file; each getter checks the type and names the fix."""

    def __init__(self, data: Any, place: str, known: Iterable[str] = ()) -> None:
        if not isinstance(data, Mapping):
            raise fault(place, f"expected a mapping, found {kind_of(data)}.", "write key: value pairs here")
        self.data: Mapping[str, Any] = data
        self.place = place
        keys = tuple(known)
        for key in data:
            if keys and key not in keys:
                raise fault(place, f"unknown option '{key}'.{nearest(str(key), keys)}", f"use one of: {listed(keys)}")

    def at(self, key: str) -> str:
        """The place of one key."""
        return f"{self.place}.{key}" if self.place else key

    def text(self, key: str, default: str = "") -> str:
        """A string, stripped of nothing; the default if the key is absent."""
        value = self.data.get(key, default)
        if not isinstance(value, str):
            raise fault(self.at(key), f"expected a string, found {kind_of(value)}.", f'write {key}: "..."')
        return value

    def texts(self, key: str) -> list[str]:
        """A list of strings; one string counts as a list of one; absent is an empty list."""
        value = self.data.get(key, [])
        items = [value] if isinstance(value, str) else value
        if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
            raise fault(self.at(key), f"expected a list of strings, found {kind_of(value)}.", f"write {key}: [...]")
        return items

    def mapping(self, key: str) -> Mapping[str, Any]:
        """A mapping with string keys; absent or null is an empty one."""
        value = self.data.get(key)
        if value is None:
            return {}
        if not isinstance(value, Mapping) or not all(isinstance(name, str) for name in value):
            raise fault(self.at(key), f"expected a mapping, found {kind_of(value)}.", f"write {key}: {{name: ...}}")
        return value

    def number(self, key: str, default: float) -> float:
        """A positive number."""
        value = self.data.get(key, default)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or value <= 0:
            raise fault(self.at(key), f"expected a positive number, found {kind_of(value)}.", f"write {key}: {default}")
        return float(value)


def kind_of(value: Any) -> str:
    """What a value is, in words of YAML; never the value, which might be a secret."""
    words: tuple[tuple[Any, str], ...] = (
        (bool, "a boolean"),
        (str, "a string"),
        (Mapping, "a mapping"),
        ((list, tuple), "a list"),
        ((int, float), "a number"),
        (type(None), "nothing"),
    )
    return next((word for types, word in words if isinstance(value, types)), f"a {type(value).__name__}")
