# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A bundle: the objects of one stage in one cluster, applied, remembered and pruned together."""

from __future__ import annotations

from dataclasses import dataclass

from ..client.types import Object


@dataclass(frozen=True)
class Bundle:
    """``name`` is the stage, for example ``links``; what the cluster holds under that name and not here is pruned."""

    name: str
    objects: tuple[Object, ...]
