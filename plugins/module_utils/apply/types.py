# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What goes into applying a bundle and what comes out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..client.types import Object

Progress = Callable[[str, str], None]
"""Called with (cluster, text) whenever there is something to tell a waiting person."""

__all__ = ["Diff", "Object", "Options", "Progress", "Result"]


@dataclass(frozen=True)
class Options:
    """How to apply.

    ``check``: change nothing, tell what would change. ``diff``: also show it. ``prune``: remove what the bundle no
    longer holds. ``wait``: until workloads are ready and removed objects are gone. ``deadline``: seconds of waiting.
    ``drift``: what a re-run looks at besides the receipt: ``off`` nothing, ``workloads`` (one request per kind of
    workload), ``full`` the metadata of every kind in the bundle.
    """

    check: bool = False
    diff: bool = False
    prune: bool = True
    wait: bool = True
    deadline: float = 300.0
    drift: str = "workloads"


@dataclass(frozen=True)
class Diff:
    """One object before and after, as YAML text without what the server makes up; secrets are masked."""

    title: str
    before: str
    after: str


@dataclass(frozen=True)
class Result:
    """What was done (in check mode: would be done) to one cluster; objects are named ``Kind namespace/name``."""

    changed: bool = False
    created: tuple[str, ...] = ()
    updated: tuple[str, ...] = ()
    pruned: tuple[str, ...] = ()
    unchanged: int = 0
    diffs: tuple[Diff, ...] = ()
    requests: int = 0
    seconds: float = 0.0

    def __add__(self, later: Result) -> Result:
        """Both, one after the other; they look at the same objects, so ``unchanged`` is not added up."""
        return Result(
            changed=self.changed or later.changed,
            created=self.created + later.created,
            updated=self.updated + tuple(title for title in later.updated if title not in self.created + self.updated),
            pruned=self.pruned + later.pruned,
            unchanged=max(self.unchanged, later.unchanged),
            diffs=self.diffs + later.diffs,
            requests=self.requests + later.requests,
            seconds=self.seconds + later.seconds,
        )
