# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Dedicated lines: the nodes' own device carries the packets as they are, so there is nothing to make."""

from __future__ import annotations

from ..kernel_state import DirectLink
from .base import Traffic


class DirectDriver:
    """The driver ``direct``: routes alone make the link."""

    def refresh(self) -> None:
        """Nothing is read."""

    def converge(self, link: DirectLink, addresses: tuple[str, ...], *, fit: bool) -> list[str]:
        """Nothing is made."""
        return []

    def traffic(self, link: DirectLink) -> Traffic:
        """The device carries much besides the link: nothing that could be told of the link alone."""
        return Traffic()
