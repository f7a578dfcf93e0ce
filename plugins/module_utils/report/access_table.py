# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One page of who was given which right where, and until when. No secret is in it."""

from __future__ import annotations

from collections.abc import Mapping

from ..apply.holders import Granted
from .table import table


def access_table(name: str, role: str, granted: Mapping[str, Granted]) -> str:
    """One row a cluster (inventory host name); "" if there is none."""
    rows = [[host, each.access.server, name, role, each.access.until] for host, each in sorted(granted.items())]
    return table(["CLUSTER", "API", "HOLDER", "ROLE", "UNTIL"], rows) if rows else ""
