# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""IPv6 settings of the node: it forwards, and nobody at the other end of our devices tells it routes."""

from __future__ import annotations

import contextlib
from pathlib import Path

from .files import read_json, write_json
from .names import LINK_PREFIX, OVERLAY

_OWN = {"disable_ipv6": 0, "accept_ra": 0, "accept_redirects": 0}
_RECORDED = ("forwarding", "accept_ra")
_HOST_ONLY, _ALWAYS = 1, 2
"""Values of ``accept_ra``: routes are learnt unless the node forwards, or in any case."""


class Forwarding:
    """The settings below ``net/ipv6/conf``; what others had is kept in a record on the node."""

    def __init__(self, sysctl: Path, record: Path) -> None:
        self._conf = sysctl / "ipv6" / "conf"
        self._record = record

    def converge(self, wanted: bool) -> list[str]:
        """Have IPv6 forwarded, or put back what was changed for it."""
        if not wanted:
            return self.restore()
        changes = self._forward()
        for name in sorted(self._names()):
            if name == OVERLAY or name.startswith(LINK_PREFIX):
                for setting, value in _OWN.items():
                    changes += self._set(name, setting, value)
        return changes

    def restore(self) -> list[str]:
        """Put the recorded values back and forget them."""
        record = read_json(self._record) or {}
        changes: list[str] = []
        for name in sorted(record, key=lambda name: (name != "all", name)):  # "all" overwrites the others
            for setting, value in record[name].items():
                changes += self._set(name, setting, value)
        self._record.unlink(missing_ok=True)
        return changes

    def _forward(self) -> list[str]:
        if self._get("all", "forwarding") != 0:
            return []
        found = {name: {setting: self._get(name, setting) for setting in _RECORDED} for name in self._names()}
        if not self._record.exists():
            write_json(self._record, found)
        changes: list[str] = []
        for name, values in sorted(found.items()):
            if name != "all" and values["accept_ra"] == _HOST_ONLY and not values["forwarding"]:
                # a node that has its own routes from a router would lose them as soon as it forwards
                changes += self._set(name, "accept_ra", _ALWAYS)
        return changes + self._set("all", "forwarding", 1)

    def _names(self) -> list[str]:
        return [entry.name for entry in self._conf.iterdir()] if self._conf.is_dir() else []

    def _get(self, name: str, setting: str) -> int | None:
        try:
            return int((self._conf / name / setting).read_text())
        except (OSError, ValueError):
            return None

    def _set(self, name: str, setting: str, value: int | None) -> list[str]:
        path = self._conf / name / setting
        with contextlib.suppress(FileNotFoundError):
            if value is not None and path.read_text().strip() != str(value):
                path.write_text(f"{value}\n")
                return [f"{setting} of {name} set to {value} for IPv6"]
        return []
