# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A verification as a program reads it. The file holds names and addresses, never a credential."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from ..status.types import FAILED, OK, UNKNOWN, Pair, Place, Verification
from .json_file import write_json

SCHEMA = 1  # grows when a key changes its meaning or goes away


def document(result: Verification) -> dict[str, Any]:
    """The whole result as plain JSON values; docs/verify.md lists the keys."""
    states = [pair.state for pair in result.pairs]
    return {
        "schema": SCHEMA,
        "started": result.started,
        "seconds": result.seconds,
        "ok": not result.faulty(),
        "totals": {"pairs": len(states), **{state: states.count(state) for state in (OK, FAILED, UNKNOWN)}},
        "clusters": [_cluster(asdict(report)) for report in result.clusters],
        "pairs": [_pair(pair) for pair in result.pairs],
    }


def write(result: Verification, path: str) -> str:
    """Write the document to `path` (mode 0644, replaced as a whole); returns the absolute path. OSError."""
    return write_json(document(result), path)


def _cluster(report: dict[str, Any]) -> dict[str, Any]:
    dns = [{**answer, "place": f"{answer['place']['cluster']}/{answer['place']['node']}"} for answer in report["names"]]
    return {**{key: value for key, value in report.items() if key != "names"}, "dns": dns}


def _pair(pair: Pair) -> dict[str, Any]:
    return {
        "from": _place(pair.source),
        "to": _place(pair.target),
        "state": pair.state,
        "reason": pair.reason,
        "hop": pair.hop,
        "evidence": list(pair.evidence),
        "milliseconds": pair.milliseconds,
        "checks": {check.name: {**asdict(check), "seen": list(check.seen)} for check in pair.checks},
    }


def _place(place: Place) -> dict[str, Any]:
    return {"cluster": place.cluster, "node": place.node, "gateway": place.gateway, "address": place.address}
