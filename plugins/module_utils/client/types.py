# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The shapes that everybody who talks to a cluster shares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from ..errors import FabricError

T = TypeVar("T")
Object = dict[str, Any]
"""One Kubernetes manifest, as JSON would decode it."""


@dataclass(frozen=True)
class ClusterRef:
    """Where a cluster's credentials are; never the credentials themselves.

    ``name`` is the inventory host name and appears in every message. ``kubeconfig`` is a path (several, separated
    as in ``$KUBECONFIG``, are merged); None means the default search. ``context`` None means the current one.
    """

    name: str
    kubeconfig: str | None = None
    context: str | None = None
    in_cluster: bool = False


@dataclass(frozen=True)
class Outcome(Generic[T]):
    """What became of one cluster: a value, or the one error that stopped it."""

    value: T | None
    error: FabricError | None
    seconds: float
    requests: int


class Listing(list[Object]):
    """The items of a LIST, with the resourceVersion to start a watch from."""

    resource_version: str = ""
