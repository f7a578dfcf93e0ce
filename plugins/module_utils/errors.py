# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one error that people see: what is wrong, in which cluster, and what to do about it."""

from __future__ import annotations


class FabricError(Exception):
    """A fault that names its value, its cluster and the fix.

    :param message: one sentence that names the offending value.
    :param cluster: inventory host name, or empty where no single cluster is at fault.
    :param fix: one sentence that says what to change, or empty.
    """

    def __init__(self, message: str, *, cluster: str = "", fix: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.cluster = cluster
        self.fix = fix

    def __str__(self) -> str:
        where = f"{self.cluster}: " if self.cluster else ""
        stop = "" if self.message.endswith((".", ":")) else "."
        then = f"{stop} Fix: {self.fix}" if self.fix else ""
        return f"{where}{self.message}{then}"
