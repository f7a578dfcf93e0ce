# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A rehearsal as a program reads it. The file holds names and addresses, never a credential."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from ..status.rehearsal import MET, MISSED, REPORTED, SKIPPED, UNKNOWN, Rehearsal, Repetition, Stream, Window
from .json_file import write_json

SCHEMA = 1  # grows when a key changes its meaning or goes away


def document(result: Rehearsal) -> dict[str, Any]:
    """The whole result as plain JSON values; docs/rehearse.md lists the keys."""
    states = [each.state for each in result.repetitions]
    return {
        "schema": SCHEMA,
        "started": result.started,
        "seconds": result.seconds,
        "ok": not result.faulty(),
        "totals": {state: states.count(state) for state in (MET, MISSED, REPORTED, SKIPPED, UNKNOWN)},
        "clusters": [_without(asdict(report), "names") for report in result.clusters],
        "problems": [{"cluster": cluster, "text": text} for cluster, text in result.problems],
        "repetitions": [_repetition(each) for each in result.repetitions],
        "scenarios": [asdict(summary) for summary in result.summaries()],
    }


def write(result: Rehearsal, path: str) -> str:
    """Write the document to `path` (mode 0644, replaced as a whole); returns the absolute path. OSError."""
    return write_json(document(result), path)


def _without(entry: dict[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in entry.items() if name != key}


def _repetition(each: Repetition) -> dict[str, Any]:
    return {
        **asdict(each),
        "during": _window(each.during),
        "after": None if each.after is None else _window(each.after),
    }


def _window(window: Window) -> dict[str, Any]:
    return {
        "sent": window.sent,
        "lost": window.lost,
        "gap": window.gap,
        "stall": window.stall,
        "streams": [_stream(stream) for stream in window.streams],
    }


def _stream(stream: Stream) -> dict[str, Any]:
    return {
        **asdict(stream),
        "source": stream.source.label,
        "target": stream.target.label,
        "address": stream.source.address,
        "survived": not stream.broken and not stream.unknown,
    }
