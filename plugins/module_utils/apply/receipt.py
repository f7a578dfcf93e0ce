# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Receipts: what a bundle has left in a cluster, so that a re-run need not ask for every object.

The receipt is a ConfigMap and the parent of the bundle's ApplySet. Workloads carry a seal besides: the bundle's
digest with the generation that was applied. One LIST of sealed workloads tells that all is as we left it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ..client.types import Object
from .identity import PART_OF, Key, applyset_id, receipt_name

SEAL = "fabric.clusterset.io/seal"
SEALER = "clusterset.fabric.seal"
_ID = "applyset.kubernetes.io/id"
_TOOLING = "applyset.kubernetes.io/tooling"
_GROUP_KINDS = "applyset.kubernetes.io/contains-group-kinds"
_NAMESPACES = "applyset.kubernetes.io/additional-namespaces"
_TOOL = "clusterset.fabric/v1.0.0"


@dataclass(frozen=True)
class Record:
    """What we know of one object: the version of its API, the hash of what we sent, and what the server made of it."""

    api_version: str
    hash: str = ""
    uid: str = ""
    generation: int = 0
    version: str = ""


@dataclass(frozen=True)
class Receipt:
    """``digest`` is empty while an apply is under way, so that an interrupted one is never taken for done."""

    digest: str = ""
    records: Mapping[Key, Record] = field(default_factory=dict)


def path(bundle: str, namespace: str) -> str:
    """Where the receipt is."""
    return f"/api/v1/namespaces/{namespace}/configmaps/{receipt_name(bundle)}"


def read(stored: Object | None) -> Receipt:
    """Decode a stored receipt; none, or one that cannot be understood, is as if nothing were known."""
    data = (stored or {}).get("data") or {}
    try:
        rows = json.loads(data.get("objects") or "[]")
        records = {Key(*row[:3]): Record(*row[3:]) for row in rows}
    except (ValueError, TypeError):
        return Receipt()
    return Receipt(str(data.get("digest") or ""), records)


def write(bundle: str, namespace: str, receipt: Receipt) -> Object:
    """Encode a receipt as the ApplySet's parent object."""
    rows = [
        [*key, record.api_version, record.hash, record.uid, record.generation, record.version]
        for key, record in sorted(receipt.records.items())
    ]
    others = sorted({key.namespace for key in receipt.records} - {"", namespace})
    annotations = {
        _TOOLING: _TOOL,
        _GROUP_KINDS: ",".join(sorted({key.group_kind for key in receipt.records})),
        _NAMESPACES: ",".join(others),
    }
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": receipt_name(bundle),
            "namespace": namespace,
            "labels": {_ID: applyset_id(bundle, namespace), "app.kubernetes.io/managed-by": "clusterset.fabric"},
            "annotations": annotations,
        },
        "data": {"digest": receipt.digest, "objects": json.dumps(rows, separators=(",", ":"))},
    }


def selector(applyset: str) -> str:
    """The label selector of a bundle's objects."""
    return f"{PART_OF}={applyset}"


def parents() -> str:
    """The label selector of all receipts."""
    return _ID


def seal(digest: str, workload: Object) -> str:
    """What a workload's seal says when all of its bundle is in place."""
    return f"{digest}/{mark(workload)}"


def mark(workload: Object) -> str:
    """What tells whether a stored workload's spec was edited.

    The generation of a Deployment, unlike that of others, also counts changes of annotations: the seal is one, and its
    controller sets another. So its spec itself is looked at.
    """
    if workload.get("kind") != "Deployment":
        return str(int(workload["metadata"].get("generation") or 0))
    text = json.dumps(workload.get("spec"), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def sealed(workloads: Iterable[Object], digest: str) -> bool:
    """True when each of these stored workloads carries the seal of ``digest`` and was not edited since."""
    return all(seal_of(each) == seal(digest, each) for each in workloads)


def seal_of(workload: Object) -> str:
    """The seal of a stored workload, or an empty string."""
    return str((workload["metadata"].get("annotations") or {}).get(SEAL) or "")


def record_of(stored: Object, digest: str) -> Record:
    """The record of an object as the server answered it."""
    metadata = stored["metadata"]
    return Record(
        stored["apiVersion"],
        digest,
        metadata.get("uid") or "",
        int(metadata.get("generation") or 0),
        metadata.get("resourceVersion") or "",
    )
