# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a source finds: one cluster, the references to reach it, and what its registry says of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Found:
    """One cluster as a source found it.

    :param name: the inventory host name.
    :param source: ``kubeconfig``, ``kind``, ``cluster_profiles`` or ``clusters``.
    :param place: the entry that found it, for messages.
    :param own: variables of the source itself: references only (path, context), no credential.
    :param labels: labels of the cluster's registry entry.
    :param properties: ClusterProperties that the registry reports.
    :param written: keys that lead from the file's root to the variables written beside it, or empty.
    """

    name: str
    source: str
    place: str
    own: Mapping[str, Any]
    labels: Mapping[str, str] = field(default_factory=dict)
    properties: Mapping[str, str] = field(default_factory=dict)
    written: tuple[str | int, ...] = ()
