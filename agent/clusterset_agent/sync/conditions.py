# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Conditions of ServiceExports and ServiceImports, in the words of KEP-1645 and one of ours."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from .export import Refusal
from .merge import Merged
from .names import Object
from .standing import Standing

SOURCES = "fabric.clusterset.io/SourcesAnswer"


def of_export(
    outcome: Refusal | Merged, before: Iterable[Object] = (), *, complete: bool = True, remark: str = ""
) -> list[Object]:
    """Return what a ServiceExport is told of itself and of those of the same name in other clusters.

    :param before: the conditions that it has.
    :param complete: whether all peers were read; if not, an old conflict is not believed to be over.
    :param remark: what else is to be said to who exports it.
    """
    if isinstance(outcome, Refusal):
        return [
            _condition("Valid", "False", outcome.reason, outcome.message),
            _condition("Ready", "False", "Failed", outcome.message),
        ]
    reasons = outcome.conflicts
    if not complete and not reasons:
        old = (each for each in before if each["type"] == "Conflict" and each["status"] == "True")
        reasons = {each["reason"]: each.get("message", "") for each in old}
    conflict = (
        _condition("Conflict", "True", ",".join(reasons), "; ".join(reasons.values()))
        if reasons
        else _condition("Conflict", "False", "NoConflicts", "")
    )
    return [_condition("Valid", "True", "Valid", ""), _condition("Ready", "True", "Exported", remark), conflict]


def of_import(
    standings: Mapping[str, Standing], problem: tuple[str, str] | None, before: Iterable[Object] = ()
) -> list[Object]:
    """Return what a ServiceImport says.

    :param standings: of its source clusters, by id.
    :param problem: reason and message, if it could not be made as it should be.
    :param before: the conditions that it has; after a start the old ones count until every source has been heard.
    """
    ready = _condition("Ready", "False", *problem) if problem else _condition("Ready", "True", "Ready", "")
    old = [each for each in before if each["type"] == SOURCES]
    if old and Standing.UNKNOWN in standings.values():
        return [ready, _condition(SOURCES, old[0]["status"], old[0]["reason"], old[0].get("message", ""))]
    silent = {cluster: standing for cluster, standing in standings.items() if standing is not Standing.ALIVE}
    words = "; ".join(f"{cluster}: {standing.value}" for cluster, standing in sorted(silent.items()))
    if not silent:
        return [ready, _condition(SOURCES, "True", "AllAnswer", "")]
    gone = any(standing.withdrawn for standing in silent.values())
    return [ready, _condition(SOURCES, "False", "EndpointsWithdrawn" if gone else "EndpointsKept", words)]


def _condition(kind: str, status: str, reason: str, message: str) -> Object:
    return {"type": kind, "status": status, "reason": reason, "message": message[:32768]}


def changed(before: Iterable[Object], wanted: Sequence[Object], now: str, generation: int) -> list[Object] | None:
    """Return the conditions to write, or None if they are there already.

    :param before: as found. :param now: RFC 3339; a condition that holds on keeps its own time.
    """
    found = {each["type"]: each for each in before}
    if all(_same(found.get(each["type"]), each) for each in wanted):
        return None
    rows = []
    for each in wanted:
        old = found.get(each["type"])
        since = old["lastTransitionTime"] if old and old["status"] == each["status"] else now
        rows.append({**each, "lastTransitionTime": since, "observedGeneration": generation})
    return rows


def _same(old: Object | None, wanted: Object) -> bool:
    return old is not None and all(old.get(name, "") == wanted[name] for name in ("status", "reason", "message"))
