# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Our nftables tables: each is replaced as a whole in one transaction, and only when it is not as it should be."""

from __future__ import annotations

import hashlib
from pathlib import Path

from .faults import AgentError
from .files import read_json, write_json
from .names import TABLE
from .programs import run


class Table:
    """The table ``clusterset_fabric`` of a family, ``ip`` or ``ip6``.

    ``nft`` prints a table differently from how it reads it. So the record keeps the digest of the text together
    with the digest of the listing that it gave: an agent that restarts knows a right table when it sees it.
    """

    def __init__(self, record: Path, family: str = "ip") -> None:
        self._record = record
        self._family = family
        self._name = f"{family} {TABLE}"

    def converge(self, text: str) -> list[str]:
        """Have the table as ``text`` describes it, or none if that is empty; return what changed."""
        if not text:
            return self.delete() if self._record.exists() else []
        wanted = _digest(text)
        if read_json(self._record) == {"text": wanted, "listing": _digest(self.listing())}:
            return []
        run("nft", "-f", "-", text=f"table {self._name} {{ }}\ndelete table {self._name}\n{text}")
        write_json(self._record, {"text": wanted, "listing": _digest(self.listing())})
        return [f"table {self._name} replaced"]

    def delete(self) -> list[str]:
        """Remove the table if it is there."""
        self._record.unlink(missing_ok=True)
        if not self.listing():
            return []
        run("nft", "delete", "table", self._family, TABLE)
        return [f"table {self._name} deleted"]

    def count(self, counter: str) -> int:
        """Return the packets that a named counter has seen; 0 if there is none."""
        try:
            text = run("nft", "list", "counter", self._family, TABLE, counter)
        except AgentError as error:
            if "No such file" in str(error):
                return 0
            raise
        return int(text.partition("packets")[2].split()[0])

    def listing(self) -> str:
        """Return the table as ``nft`` prints it without counters; empty if there is none."""
        try:
            return run("nft", "-s", "list", "table", self._family, TABLE)
        except AgentError as error:
            if "No such file" in str(error):
                return ""
            raise


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
