# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The order of things: what others need comes first."""

from __future__ import annotations

from collections.abc import Iterable

from ..client.paths import RESOURCES
from ..client.types import Object
from .identity import Key, group_kind

_FIRST = frozenset(
    {
        "Namespace",
        "CustomResourceDefinition.apiextensions.k8s.io",
        "PriorityClass.scheduling.k8s.io",
        "StorageClass.storage.k8s.io",
    }
)
_RUNNING = frozenset(
    {
        "Pod",
        "ReplicationController",
        "DaemonSet.apps",
        "Deployment.apps",
        "StatefulSet.apps",
        "ReplicaSet.apps",
        "Job.batch",
        "CronJob.batch",
    }
)
# they send the API server's traffic to workloads, so those must be there already
_LAST = frozenset(
    {
        "APIService.apiregistration.k8s.io",
        "MutatingWebhookConfiguration.admissionregistration.k8s.io",
        "ValidatingWebhookConfiguration.admissionregistration.k8s.io",
    }
)
_BUILT_IN = frozenset(
    group_kind(version, kind) for version, kind in RESOURCES if not version.startswith("fabric.clusterset.io/")
)
FIRST, CONFIGURATION, RUNNING, LAST = range(4)


def wave_of(key: Key) -> int:
    """Namespaces and definitions; access and configuration; workloads and custom objects; hooks into the API."""
    if key.group_kind in _FIRST:
        return FIRST
    if key.group_kind in _LAST:
        return LAST
    if key.group_kind in _RUNNING or is_custom(key):
        return RUNNING
    return CONFIGURATION


def is_custom(key: Key) -> bool:
    """True for objects whose kind the cluster knows from a definition only."""
    return key.group_kind not in _BUILT_IN


def waves(objects: dict[Key, Object]) -> list[dict[Key, Object]]:
    """The objects in order, wave by wave; empty waves are left out."""
    split: list[dict[Key, Object]] = [{} for _wave in range(LAST + 1)]
    for key, obj in objects.items():
        split[wave_of(key)][key] = obj
    return [wave for wave in split if wave]


def removal(keys: Iterable[Key]) -> list[list[Key]]:
    """The keys in the order of removal: custom objects before those that may clean up after them, then backwards."""
    split: list[list[Key]] = [[] for _wave in range(6)]
    for key in sorted(keys):
        if key.group_kind == "Namespace":
            split[5].append(key)
        elif is_custom(key):
            split[1].append(key)
        else:
            split[{LAST: 0, RUNNING: 2, CONFIGURATION: 3, FIRST: 4}[wave_of(key)]].append(key)
    return [wave for wave in split if wave]
