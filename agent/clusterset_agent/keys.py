# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A gateway's private keys, one for each generation: born on the node, never leaving it."""

from __future__ import annotations

from pathlib import Path

from .files import write_whole
from .programs import run

_PREFIX, _SUFFIX = "private-", ".key"


class Keys:
    """The files of the keys in one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._public: dict[int, str] = {}

    def path(self, generation: int) -> Path:
        """Return the file of a private key."""
        return self._folder / f"{_PREFIX}{generation}{_SUFFIX}"

    def public(self, generation: int) -> str:
        """Return the public key; the private one is made at the first call."""
        path = self.path(generation)
        if not path.exists():
            self._folder.mkdir(parents=True, exist_ok=True)
            write_whole(path, run("wg", "genkey"), mode=0o600)
            self._public.pop(generation, None)
        if generation not in self._public:
            self._public[generation] = run("wg", "pubkey", text=path.read_text()).strip()
        return self._public[generation]

    def keep(self, generations: tuple[int, ...]) -> list[str]:
        """Remove the keys of all other generations; return what was removed."""
        wanted = {self.path(generation) for generation in generations}
        changes: list[str] = []
        for path in sorted(set(self._folder.glob(f"{_PREFIX}*{_SUFFIX}")) - wanted):
            path.unlink()
            changes.append(f"file {path.name} removed")
        self._public = {number: key for number, key in self._public.items() if number in generations}
        return changes
