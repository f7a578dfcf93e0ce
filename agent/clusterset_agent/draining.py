# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Draining: a gateway's traffic moves to the others, then the gateway says that nothing passes it any more."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

ANNOTATION = "fabric.clusterset.io/drain"
ACTIVE, DRAINING, DRAINED = "Active", "Draining", "Drained"
QUIET = 3.0
"""Seconds without a forwarded packet after which a gateway counts as drained."""


def wished(node: Mapping[str, Any] | None) -> bool:
    """Return whether a Node object asks for it: by our annotation, or because the node was cordoned."""
    if node is None:
        return False
    annotations = (node.get("metadata") or {}).get("annotations") or {}
    return annotations.get(ANNOTATION) == "true" or bool((node.get("spec") or {}).get("unschedulable"))


class DrainWatch:
    """Tells from the count of forwarded packets when draining is done."""

    def __init__(self) -> None:
        self._seen: tuple[int, float] | None = None

    def state(self, draining: bool, carried: int, now: float) -> str:
        """Return the gateway's state.

        :param carried: packets forwarded for other clusters since draining began.
        :param now: seconds of any steady clock.
        """
        if not draining:
            self._seen = None
            return ACTIVE
        if self._seen is None or carried != self._seen[0]:
            self._seen = (carried, now)
        return DRAINED if now - self._seen[1] >= QUIET else DRAINING
