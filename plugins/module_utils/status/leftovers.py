# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Namespaces of runs that were killed before they could clean up."""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path
from typing import Any

from ..client.client import Client
from ..facts.raw import dig, name_of
from .manifests import PREFIXES, SELECTOR

EXPIRES = "fabric.clusterset.io/expires"  # annotation: seconds since 1970
RUNNER = "fabric.clusterset.io/runner"  # annotation: see `runner`


def marks(expires: float) -> dict[str, str]:
    """Annotations of what this process makes, to be gone by `expires` (seconds since 1970)."""
    return {EXPIRES: str(int(expires)), RUNNER: runner()}


def runner() -> str:
    """A mark of this process: a digest of machine and process space, process id, start time; "" where unknown."""
    place = _place()
    return f"{place}.{os.getpid()}.{_started(os.getpid())}" if place else ""


def dead(mark: str) -> bool:
    """Whether the process of `mark` ran where we run, and runs no more. False when in doubt."""
    parts = mark.split(".")
    if len(parts) != 3 or not parts[1].isdigit() or parts[0] != _place():
        return False
    return _started(int(parts[1])) != parts[2]


async def remove(client: Client) -> list[str]:
    """Delete what earlier runs left: expired, or their process is gone. Returns the namespaces' names."""
    removed = []
    for item in await client.list("/api/v1/namespaces", label_selector=SELECTOR):
        name = name_of(item)
        if name.startswith(PREFIXES) and abandoned(item) and not dig(item, "metadata", "deletionTimestamp"):
            await client.delete(f"/api/v1/namespaces/{name}")
            removed.append(name)
    return removed


def abandoned(item: dict[str, Any]) -> bool:
    """Whether nobody will clean up this object, which has `marks`."""
    notes = dig(item, "metadata", "annotations") or {}
    expires = str(notes.get(EXPIRES, ""))
    return (expires.isdigit() and int(expires) < time.time()) or dead(str(notes.get(RUNNER, "")))


def _place() -> str:
    """Digest of this boot of the machine and this space of process ids."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii")
        space = os.readlink("/proc/self/ns/pid")
    except OSError:
        return ""
    return hashlib.sha256(f"{boot}{space}".encode()).hexdigest()[:16]


def _started(process: int) -> str:
    """Start time of a process in ticks since boot, "" if it runs no more (a zombie counts as gone)."""
    try:
        stat = Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    fields = stat.rpartition(")")[2].split()
    return "" if fields[0] in ("Z", "X") else fields[19]
