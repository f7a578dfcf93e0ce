# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kernel's table of policies: its frame is replaced as a whole, its sets element by element, in one transaction."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping

from .faults import AgentError
from .names import POLICY_TABLE
from .policy_rules import Rules
from .programs import run

FAMILIES = ("ip", "ip6")


class PolicyTable:
    """The table ``clusterset_policy`` of a family, ``ip`` or ``ip6``.

    An agent that starts does not know what the sets hold, so its first pass replaces the table; nothing passes
    unjudged meanwhile, since that is one transaction.
    """

    def __init__(self, family: str) -> None:
        self._name = f"{family} {POLICY_TABLE}"
        self._listing = ""
        self._held: Rules | None = None
        self._looked = False

    def converge(self, wanted: Rules | None, *, check: bool = True) -> list[str]:
        """Have the table as wanted, or none; return what changed.

        :param check: look whether somebody else has changed the frame; elements are known without looking.
        """
        if wanted is None:
            return [] if self._looked and self._held is None else self.delete()
        if self._held is None or wanted.frame != self._held.frame or (check and self._frame() != self._listing):
            return self._replace(wanted)
        lines = _differences(self._name, self._held.sets, wanted.sets)
        if not lines:
            return []
        self._held = None  # until it is known to be there
        run("nft", "-f", "-", text="\n".join(lines) + "\n")
        self._held = wanted
        return [f"{len(lines)} sets of table {self._name} changed"]

    def delete(self) -> list[str]:
        """Remove the table if it is there."""
        there = bool(self._frame())
        if there:
            run("nft", "delete", "table", *self._name.split())
        self._held, self._looked = None, True
        return [f"table {self._name} deleted"] if there else []

    @property
    def there(self) -> bool:
        """Whether the kernel has the table, by whomever it was made."""
        return self._held is not None or bool(self._frame())

    def counts(self) -> dict[str, int]:
        """Return the packets that each counter has seen; none without a table."""
        if self._held is None:
            return {}
        rows = json.loads(run("nft", "-j", "list", "counters", "table", *self._name.split()))["nftables"]
        return {row["counter"]["name"]: row["counter"]["packets"] for row in rows if "counter" in row}

    def _replace(self, wanted: Rules) -> list[str]:
        self._held, self._looked = None, True
        head = f"table {self._name} {{ }}\ndelete table {self._name}\n"
        run("nft", "-f", "-", text="\n".join([head + wanted.frame, *_differences(self._name, {}, wanted.sets)]) + "\n")
        self._listing, self._held = self._frame(), wanted
        return [f"table {self._name} replaced"]

    def _frame(self) -> str:
        """Digest of the table as ``nft`` prints it without elements and counts; empty if there is none."""
        try:
            return hashlib.sha256(run("nft", "-s", "-t", "list", "table", *self._name.split()).encode()).hexdigest()
        except AgentError as error:
            if "No such file" in str(error):
                return ""
            raise


def _differences(name: str, before: Mapping[str, frozenset[str]], after: Mapping[str, frozenset[str]]) -> list[str]:
    """What leads from one to the other; removals come first, since an address may move."""
    nothing: frozenset[str] = frozenset()
    removed = [_elements("delete", name, key, before.get(key, nothing) - after[key]) for key in sorted(after)]
    added = [_elements("add", name, key, after[key] - before.get(key, nothing)) for key in sorted(after)]
    return [line for line in (*removed, *added) if line]


def _elements(verb: str, table: str, key: str, addresses: Iterable[str]) -> str:
    rows = sorted(addresses)
    return f"{verb} element {table} {key} {{ {', '.join(rows)} }}" if rows else ""
