# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Links over VXLAN: one device between two gateways, not encrypted."""

from __future__ import annotations

from pathlib import Path

from ..devices import Devices
from ..kernel_state import VxlanLink
from .base import Traffic


class VxlanDriver:
    """The driver ``vxlan``."""

    def __init__(self, devices: Devices) -> None:
        self._devices = devices

    def refresh(self) -> None:
        """The devices are read by the pass itself."""

    def converge(self, link: VxlanLink, addresses: tuple[str, ...], *, fit: bool) -> list[str]:
        """Have the device, its addresses and its one neighbour."""
        changes = self._devices.vxlan(link.device)
        changes += self._devices.addresses(link.name, addresses)
        return changes + self._devices.neighbours(link.name, (link.other_end,))

    def traffic(self, link: VxlanLink) -> Traffic:
        """Return the device's own counters."""
        folder = Path("/sys/class/net") / link.name / "statistics"
        try:
            return Traffic(int((folder / "rx_bytes").read_text()), int((folder / "tx_bytes").read_text()))
        except FileNotFoundError:
            return Traffic()
