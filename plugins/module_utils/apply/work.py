# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One bundle on its way into one cluster: what it should be, and what was found there."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ..client import paths
from ..client.client import Client
from ..client.types import Object
from ..objects.bundle import Bundle
from . import identity, receipt
from .identity import Key
from .types import Options, Progress

_DEFINITION = "CustomResourceDefinition.apiextensions.k8s.io"


@dataclass
class Work:
    """Everything that the steps of one apply share. ``ends`` is loop time."""

    client: Client
    bundle: str
    options: Options
    namespace: str
    progress: Progress
    objects: dict[Key, Object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.applyset = identity.applyset_id(self.bundle, self.namespace)
        self.selector = receipt.selector(self.applyset)
        self.hashes = {key: identity.content_hash(key, obj) for key, obj in self.objects.items()}
        self.digest = identity.bundle_digest(self.hashes)
        self.ends = asyncio.get_running_loop().time() + min(self.options.deadline, self.client.remaining)
        for key, obj in self.objects.items():
            if key.group_kind == _DEFINITION:
                self.client.learn(obj)

    @property
    def workloads(self) -> list[Key]:
        """The bundle's DaemonSets, Deployments and StatefulSets."""
        return [key for key in self.objects if key.group_kind in identity.WORKLOADS]

    def tell(self, text: str) -> None:
        """Say something about this cluster to whoever waits."""
        self.progress(self.client.ref.name, text)

    async def collections(self, versions: Mapping[Key, str]) -> set[tuple[str, str, str]]:
        """The collections (path, apiVersion, kind) that hold these objects; ``versions`` gives their apiVersion."""
        found = set()
        for key, version in versions.items():
            kind = key.group_kind.partition(".")[0]
            resource = await self.client.resource(version, kind)
            found.add((paths.build(version, resource, key.namespace), version, kind))
        return found

    async def listed(self, versions: Mapping[Key, str], *, metadata_only: bool) -> dict[Key, Object]:
        """What the cluster holds of this bundle in the collections of ``versions``, by identity."""
        found = {}
        for path, version, kind in sorted(await self.collections(versions)):
            items = await self.client.list(path, label_selector=self.selector, metadata_only=metadata_only)
            for item in items:  # items of a list do not say what they are
                obj = {**item, "apiVersion": version, "kind": kind}
                found[identity.key_of(obj)] = obj
        return found


def work_of(client: Client, bundle: Bundle, options: Options, namespace: str, progress: Progress | None) -> Work:
    """Label the bundle's objects and take stock of them.

    :raises FabricError: a manifest that names no object, or two that name the same.
    """
    applyset = identity.applyset_id(bundle.name, namespace)
    objects = identity.members(bundle.name, bundle.objects, applyset, client.ref.name)
    return Work(client, bundle.name, options, namespace, progress or _silent, objects)


def versions_of(objects: Mapping[Key, Object], keys: Iterable[Key]) -> dict[Key, str]:
    """The apiVersion of each of ``keys``."""
    return {key: objects[key]["apiVersion"] for key in keys}


def _silent(cluster: str, text: str) -> None:
    return None
