# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reverse path checks: loose on the devices over which other clusters' packets arrive, put back on leave."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from pathlib import Path

from .files import read_json, write_json
from .names import LINK_PREFIX, OVERLAY

_STRICT, _LOOSE = 1, 2
_PURE = frozenset(
    {"vxlan.calico", "tunl0", "wireguard.cali", "flannel-wg", "flannel.ipip", "vxlan-v6.calico", "wg-v6.cali"}
)
_SHARED = frozenset({"weave", "cilium_host", "cilium_net", "cilium_vxlan", "cilium_geneve", "cilium_wg0"})
_OWN = {"rp_filter": _LOOSE, "send_redirects": 0, "accept_redirects": 0}


def plugin_devices(names: Iterable[str]) -> tuple[set[str], set[str]]:
    """Return the known transport devices among ``names``: those for transit only, and those shared with pods."""
    present = set(names)
    flannel = {name for name in present if name.startswith(("flannel.", "flannel-v6."))}
    return (present & _PURE) | flannel, present & _SHARED


class ReversePath:
    """The settings below ``net/ipv4/conf``; originals of foreign devices are kept in a record on the node."""

    def __init__(self, sysctl: Path, record: Path) -> None:
        self._conf = sysctl / "ipv4" / "conf"
        self._record = record

    def converge(self, transports: Iterable[str] = ()) -> list[str]:
        """Loosen our own devices, the known plugins' and ``transports``."""
        changes: list[str] = []
        present = {entry.name for entry in self._conf.iterdir()}
        for name in sorted(present):
            if name == OVERLAY or name.startswith(LINK_PREFIX):
                for setting, value in _OWN.items():
                    changes += self._set(name, setting, value)
        pure, shared = plugin_devices(present)
        for name in sorted((pure | shared | set(transports)) & present):
            changes += self._loosen(name)
        return changes

    def restore(self) -> list[str]:
        """Put the recorded values back and forget them."""
        changes: list[str] = []
        for name, value in (read_json(self._record) or {}).items():
            changes += self._set(name, "rp_filter", value)
        self._record.unlink(missing_ok=True)
        return changes

    def _loosen(self, name: str) -> list[str]:
        own, overall = self._get(name), self._get("all")
        # the kernel goes by the larger of the two, so only a strict sum needs a change
        if own is None or max(own, overall or 0) != _STRICT:
            return []
        record = read_json(self._record) or {}
        if name not in record:
            write_json(self._record, {**record, name: own})
        return self._set(name, "rp_filter", _LOOSE)

    def _get(self, name: str) -> int | None:
        try:
            return int((self._conf / name / "rp_filter").read_text())
        except (OSError, ValueError):
            return None

    def _set(self, name: str, setting: str, value: int) -> list[str]:
        path = self._conf / name / setting
        with contextlib.suppress(FileNotFoundError):
            if path.read_text().strip() != str(value):
                path.write_text(f"{value}\n")
                return [f"{setting} of {name} set to {value}"]
        return []
