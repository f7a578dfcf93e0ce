# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A verification as a person reads it: a matrix for each family, what failed and where, DNS, totals."""

from __future__ import annotations

from collections import Counter

from ..status.types import FAILED, OK, UNKNOWN, ClusterReport, Pair, Verification
from .table import table

MOST_COLUMNS = 8  # more places than this are summed up by cluster
MOST_LINES = 40  # failures listed; the JSON report has all


def verify_table(result: Verification) -> str:
    """Text of several lines, the verdict last."""
    parts = []
    for family in sorted({pair.source.family for pair in result.pairs}):
        parts.append(matrix(tuple(pair for pair in result.pairs if pair.source.family == family)))
    parts += failures(result.pairs)
    parts += [line for report in result.clusters for line in _cluster(report)]
    return "\n".join([*parts, verdict(result)])


def matrix(pairs: tuple[Pair, ...]) -> str:
    """Rows: from; columns: to. By place, or summed up by cluster where there are many places."""
    labels = sorted({pair.source.label for pair in pairs} | {pair.target.label for pair in pairs})
    if len(labels) > MOST_COLUMNS:
        return _summed(pairs)
    cells = {(pair.source.label, pair.target.label): cell(pair) for pair in pairs}
    rows = [[source, *(cells.get((source, target), "-") for target in labels)] for source in labels]
    return table([_corner(pairs), *labels], rows)


def cell(pair: Pair) -> str:
    """One pair in one or two words."""
    if pair.state == OK:
        return (
            "ok" if pair.milliseconds is None else f"ok {pair.milliseconds:.{1 if pair.milliseconds >= 1 else 2}f} ms"
        )
    if pair.state == UNKNOWN:
        return "unknown"
    skipped = any(check.state == "skipped" for check in pair.checks)
    basic = {"icmp", "tcp", "udp"} <= set(pair.failed)
    return "FAILED all" if basic and skipped else f"FAILED {','.join(pair.failed)}"


def _summed(pairs: tuple[Pair, ...]) -> str:
    clusters = sorted({pair.source.cluster for pair in pairs} | {pair.target.cluster for pair in pairs})
    counts: dict[tuple[str, str], Counter[str]] = {}
    for pair in pairs:
        counts.setdefault((pair.source.cluster, pair.target.cluster), Counter())[pair.state] += 1
    rows = [[source, *(_count(counts.get((source, target))) for target in clusters)] for source in clusters]
    return table([_corner(pairs), *clusters], rows)


def _corner(pairs: tuple[Pair, ...]) -> str:
    """What rows and columns are; the family is told where there are two."""
    return f"FROM \\ TO {pairs[0].source.family}".rstrip()


def _count(states: Counter[str] | None) -> str:
    if not states:
        return "-"
    bad = [f"{states[state]} {word}" for state, word in ((FAILED, "FAILED"), (UNKNOWN, "unknown")) if states[state]]
    return ", ".join([f"{states[OK]}/{states.total()} ok", *bad])


def failures(pairs: tuple[Pair, ...]) -> list[str]:
    """One line a failed pair with its broken hop, its reasons and evidence below; unknown pairs by their reason."""
    lines: list[str] = []
    failed = [pair for pair in pairs if pair.state == FAILED]
    for pair in failed[:MOST_LINES]:
        lines.append(f"FAILED {pair.source.label} -> {pair.target.label}: {pair.hop or 'hop not known'}")
        lines += [f"    {check.name}: {check.reason}" for check in pair.checks if check.state == FAILED]
        lines += [f"    {text}" for text in pair.evidence]
    if len(failed) > MOST_LINES:
        lines.append(f"... and {len(failed) - MOST_LINES} more failed pairs in the JSON report")
    reasons = Counter(pair.reason for pair in pairs if pair.state == UNKNOWN)
    lines += [f"unknown {count} pairs: {reason}" for reason, count in sorted(reasons.items())]
    return lines


def _cluster(report: ClusterReport) -> list[str]:
    """DNS, notes and absence of one cluster."""
    lines = [f"note: {report.cluster}: {note}" for note in report.notes]
    lines += [f"note: {place.label}: {place.reason}" for place in report.places if place.reason]
    if report.reason:
        fix = f" Fix: {report.fix}" if report.fix else ""
        lines.append(f"absent: {report.cluster}: {report.reason}{fix}")
    if report.names:
        bad = [answer for answer in report.names if not answer.ok]
        slowest = max(answer.milliseconds for answer in report.names)
        fine = f"ok from {len(report.names)} nodes, slowest {slowest:.0f} ms"
        lines.append(f"dns: {report.cluster}: " + ("FAILED" if bad else fine))
        lines += [f"    {answer.place.label}: {answer.reason}" for answer in bad]
    return lines


def verdict(result: Verification) -> str:
    """Totals and time in one line."""
    states = Counter(pair.state for pair in result.pairs)
    requests = sum(report.requests for report in result.clusters)
    counts = f"{states[OK]} of {len(result.pairs)} pairs ok, {states[FAILED]} failed, {states[UNKNOWN]} unknown"
    return f"verify: {counts}; {len(result.clusters)} clusters, {requests} requests, {result.seconds:.0f} s"


def messages(result: Verification) -> dict[str, str]:
    """Why each faulty cluster failed, in one line each: inventory host name -> message."""
    return {name: _message(name, result) for name in result.faulty()}


def _message(name: str, result: Verification) -> str:
    report = next(report for report in result.clusters if report.cluster == name)
    if report.reason:
        return f"{name}: {report.reason}" + (f" Fix: {report.fix}" if report.fix else "")
    mine = [pair for pair in result.pairs if name in (pair.source.cluster, pair.target.cluster)]
    bad = [pair for pair in mine if pair.state == FAILED] or [pair for pair in mine if pair.state == UNKNOWN]
    words = [f"DNS fails on {answer.place.label}: {answer.reason}" for answer in report.names if not answer.ok]
    words += [f"{place.label}: {place.reason}" for place in report.places if place.reason]
    if bad:
        hops = Counter(pair.hop or pair.reason for pair in bad)
        words.append(f"{len(bad)} of {len(mine)} pairs {bad[0].state}: {'; '.join(sorted(hops))}")
    return f"{name}: {'; '.join(words)}"
