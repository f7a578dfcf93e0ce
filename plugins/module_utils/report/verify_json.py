# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A verification as a program reads it. The file holds names and addresses, never a credential."""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ..status.types import FAILED, OK, UNKNOWN, Pair, Place, Verification

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
    target = Path(path).expanduser().absolute()
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, draft = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(document(result), file, indent=1, sort_keys=True)
            file.write("\n")
        Path(draft).chmod(0o644)
        Path(draft).replace(target)
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise
    return str(target)


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
