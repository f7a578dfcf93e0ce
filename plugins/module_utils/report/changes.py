# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a stage did, as a person reads it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ..apply.types import Result
from .table import table


def changes_table(results: Mapping[str, Result], failed: Mapping[str, str]) -> str:
    """One row a cluster: counts, requests and seconds; "" if no cluster took part."""
    rows = [_row(host, result, host in failed) for host, result in sorted(results.items())]
    rows += [[host, "failed", *[""] * 6] for host in sorted(failed) if host not in results]
    head = ["CLUSTER", "RESULT", "CREATED", "UPDATED", "REMOVED", "UNCHANGED", "REQUESTS", "SECONDS"]
    return table(head, rows) if rows else ""


def _row(host: str, result: Result, failed: bool) -> list[str]:
    counts = [len(result.created), len(result.updated), len(result.pruned), result.unchanged, result.requests]
    word = "failed" if failed else "changed" if result.changed else "unchanged"
    return [host, word, *map(str, counts), f"{result.seconds:.1f}"]


def listed(results: Mapping[str, Result]) -> Iterator[str]:
    """One line for each object that changed, for check mode: what a real run would do."""
    for host, result in sorted(results.items()):
        for verb, titles in (("create", result.created), ("update", result.updated), ("remove", result.pruned)):
            yield from (f"{host}: would {verb} {title}" for title in titles)


def diffs(results: Mapping[str, Result]) -> list[dict[str, str]]:
    """Ansible's form of the differences, each headed by its cluster and object."""
    return [
        {
            "before": diff.before,
            "after": diff.after,
            "before_header": f"{host}: {diff.title}",
            "after_header": f"{host}: {diff.title}",
        }
        for host, result in sorted(results.items())
        for diff in result.diffs
    ]


def objects_of(result: Result) -> int:
    """How many objects the cluster's bundle holds."""
    return len(result.created) + len(result.updated) + result.unchanged
