# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The last wanted state on the node's disk, so that a start does not depend on the API server. No secrets in it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .files import read_json, write_json

Specs = dict[str, Any]


@dataclass
class Memory:
    """Specs as the API gave them, what was fit for use, and whether the node was draining."""

    fabric: Specs | None = None
    peers: list[Specs] = field(default_factory=list)
    addresses: dict[str, Specs] = field(default_factory=dict)
    fit: frozenset[str] = frozenset()
    draining: bool = False

    def save(self, path: Path) -> None:
        """Write it, whole or not at all."""
        content = {
            "fabric": self.fabric,
            "peers": self.peers,
            "addresses": self.addresses,
            "fit": sorted(self.fit),
            "draining": self.draining,
        }
        write_json(path, content)


def load(path: Path) -> Memory:
    """Read what was saved; anything else is an empty memory."""
    content = read_json(path)
    if not isinstance(content, dict) or not isinstance(content.get("fabric"), dict):
        return Memory()
    fit: Iterable[str] = content.get("fit") or ()
    return Memory(
        content["fabric"],
        list(content.get("peers") or ()),
        dict(content.get("addresses") or {}),
        frozenset(fit),
        bool(content.get("draining")),
    )
