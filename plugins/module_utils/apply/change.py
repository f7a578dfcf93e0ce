# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Was it a change? Told from what the server answers, without asking it again."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..client.client import FIELD_MANAGER
from ..client.types import Object
from . import differences
from .identity import Key, title
from .receipt import Record
from .types import Diff


@dataclass
class Log:
    """What became of the objects that were sent. ``started`` is the server's own time at which the apply began."""

    started: str = ""
    created: list[str] = field(default_factory=list)
    updated: list[str] = field(default_factory=list)
    pruned: list[str] = field(default_factory=list)
    diffs: list[Diff] = field(default_factory=list)
    stored: dict[Key, Object] = field(default_factory=dict)

    @property
    def changed(self) -> bool:
        """True when anything in the cluster is not what it was."""
        return bool(self.created or self.updated or self.pruned)

    def sent(self, key: Key, stored: Object, record: Record | None, *, made: bool) -> None:
        """Note an answer to an apply, judged by what is known from before."""
        self.stored[key] = stored
        if made:
            self.created.append(title(key))
        elif _changed(stored, record, self.started):
            self.updated.append(title(key))

    def compared(self, key: Key, before: Object | None, after: Object, *, show: bool) -> None:
        """Note a change by comparing both sides."""
        if before is None:
            self.created.append(title(key))
        elif differences.essence(before) == differences.essence(after):
            return
        else:
            self.updated.append(title(key))
        if show:
            self.diffs.append(differences.difference(key, before, after))


def _changed(stored: Object, record: Record | None, started: str) -> bool:
    """A repeated server-side apply leaves the resourceVersion, and the time of our entry, as they were."""
    metadata = stored["metadata"]
    if record and record.uid == metadata.get("uid") and record.version == metadata.get("resourceVersion"):
        return False
    return applied_at(stored) >= started


def applied_at(stored: Object) -> str:
    """The server's time of our last apply that changed this object."""
    for entry in stored["metadata"].get("managedFields") or ():
        if entry.get("manager") == FIELD_MANAGER and entry.get("operation") == "Apply":
            return str(entry.get("time") or "")
    return ""
