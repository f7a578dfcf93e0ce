# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every driver of links can do. Drivers program devices; routes and rules are the same for all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from ..kernel_state import Link

L_contra = TypeVar("L_contra", bound=Link, contravariant=True)


class PendingError(Exception):
    """A device is being made and will be ready soon; ``changes`` tells what was done for it now."""

    def __init__(self, name: str, changes: list[str]) -> None:
        super().__init__(name)
        self.name = name
        self.changes = changes


@dataclass(frozen=True)
class Traffic:
    """What has passed a link; ``handshake`` is seconds since the epoch, 0 for never or where there are none."""

    received: int = 0
    sent: int = 0
    handshake: int = 0


class Driver(Protocol, Generic[L_contra]):
    """The interface of a driver."""

    def refresh(self) -> None:
        """Read what there is, once for a whole pass."""

    def converge(self, link: L_contra, addresses: tuple[str, ...], *, fit: bool) -> list[str]:
        """Have the link's device as wanted and return what changed.

        :param addresses: the node's tunnel addresses, which the device carries.
        :param fit: whether the link is in use and well, so that it must not be touched without need.
        :raises PendingError: if the device needs a moment. AgentError, OSError: what is wrong.
        """

    def traffic(self, link: L_contra) -> Traffic:
        """Return what has passed the link, as of the last refresh."""
