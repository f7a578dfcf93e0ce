# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names: which object is which, which bundle it belongs to, and whether its content is the one we applied."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable
from typing import NamedTuple

from ..client.paths import RESOURCES, of_definition
from ..client.types import Object
from ..errors import FabricError

PART_OF = "applyset.kubernetes.io/part-of"
_canonical = json.JSONEncoder(sort_keys=True, separators=(",", ":")).encode
NAMESPACE = "clusterset-fabric"
WORKLOADS = frozenset({"DaemonSet.apps", "Deployment.apps", "StatefulSet.apps"})


class Key(NamedTuple):
    """An object's identity, whatever version of its API it is written in. ``group_kind`` is like ``Role.rbac...``."""

    group_kind: str
    namespace: str
    name: str


def group_kind(api_version: str, kind: str) -> str:
    """``apps/v1``, ``DaemonSet`` -> ``DaemonSet.apps``; ``v1``, ``Secret`` -> ``Secret``."""
    group = api_version.rpartition("/")[0]
    return f"{kind}.{group}" if group else kind


def key_of(obj: Object) -> Key:
    """The identity of a manifest."""
    metadata = obj["metadata"]
    return Key(group_kind(obj["apiVersion"], obj["kind"]), metadata.get("namespace") or "", metadata["name"])


def title(key: Key) -> str:
    """How a person is told of an object: ``DaemonSet kube-flannel/kube-flannel-ds``."""
    kind = key.group_kind.partition(".")[0]
    return f"{kind} {key.namespace}/{key.name}" if key.namespace else f"{kind} {key.name}"


def receipt_name(bundle: str) -> str:
    """The ConfigMap that remembers a bundle; it is also the ApplySet's parent."""
    return f"fabric-receipt-{bundle}"


def applyset_id(bundle: str, namespace: str) -> str:
    """The ApplySet's id as KEP-3659 makes it from the parent's name, namespace, kind and group."""
    parent = f"{receipt_name(bundle)}.{namespace}.ConfigMap."
    digest = base64.urlsafe_b64encode(hashlib.sha256(parent.encode()).digest()).decode().rstrip("=")
    return f"applyset-{digest}-v1"


def is_secret(key: Key) -> bool:
    """True for objects whose content must not leave a trace anywhere, not even as a hash."""
    return key.group_kind == "Secret"


def content_hash(key: Key, obj: Object) -> str:
    """A short hash of a manifest; empty for Secrets, since a hash of a guessable value gives the value away."""
    if is_secret(key):
        return ""
    return hashlib.sha256(_canonical(obj).encode()).hexdigest()[:24]


def bundle_digest(hashes: dict[Key, str]) -> str:
    """One hash over all objects of a bundle; Secrets count by name only."""
    text = "\n".join(f"{'/'.join(key)} {value}" for key, value in sorted(hashes.items()))
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def members(bundle: str, objects: Iterable[Object], applyset: str, cluster: str) -> dict[Key, Object]:
    """The manifests by identity, each with the label of its ApplySet; the given ones stay as they are.

    :raises FabricError: a manifest without kind or name, or two of the same object.
    """
    found: dict[Key, Object] = {}
    objects = tuple(objects)
    kinds = dict(RESOURCES)
    for obj in objects:
        if obj.get("kind") == "CustomResourceDefinition" and "spec" in obj:
            kinds.update(of_definition(obj))
    for obj in objects:
        metadata = obj.get("metadata") or {}
        if not (obj.get("apiVersion") and obj.get("kind") and metadata.get("name")):
            raise FabricError(
                f"bundle {bundle!r} holds a manifest without apiVersion, kind or metadata.name"
                f" (kind {obj.get('kind')!r}, name {metadata.get('name')!r}).",
                cluster=cluster,
                fix="complete the manifest.",
            )
        kind = kinds.get((obj["apiVersion"], obj["kind"]))
        if kind and kind.namespaced and not metadata.get("namespace"):
            metadata = {**metadata, "namespace": "default"}  # where the server would put it
        key = key_of({**obj, "metadata": metadata})
        if key in found:
            raise FabricError(
                f"bundle {bundle!r} holds {title(key)} twice.", cluster=cluster, fix="remove one of them."
            )
        labels = {**(metadata.get("labels") or {}), PART_OF: applyset}
        found[key] = {**obj, "metadata": {**metadata, "labels": labels}}
    return found
