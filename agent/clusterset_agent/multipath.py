# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the kernel shares flows among several ways: by ports too, so that two pods use all gateways at once."""

from __future__ import annotations

from pathlib import Path

from .files import read_json, write_json

_BY_ADDRESSES, _BY_PORTS = 0, 1


class HashPolicy:
    """The setting ``fib_multipath_hash_policy`` of a family; somebody else's choice other than the default stays.

    :param family: ``ipv4`` or ``ipv6``.
    """

    def __init__(self, sysctl: Path, record: Path, family: str = "ipv4") -> None:
        self._setting = sysctl / family / "fib_multipath_hash_policy"
        self._record = record
        self._family = family

    def converge(self, wanted: bool = True) -> list[str]:
        """Have flows shared by ports, where the kernel still has its default; else put back what was changed."""
        if not wanted:
            return self.restore()
        if not self._setting.exists() or int(self._setting.read_text()) != _BY_ADDRESSES:
            return []
        write_json(self._record, _BY_ADDRESSES)
        return self._set(_BY_PORTS)

    def restore(self) -> list[str]:
        """Put the default back, if it was there."""
        recorded = read_json(self._record)
        self._record.unlink(missing_ok=True)
        return [] if recorded is None else self._set(int(recorded))

    def _set(self, value: int) -> list[str]:
        self._setting.write_text(f"{value}\n")
        return [f"fib_multipath_hash_policy of {self._family} set to {value}"]
