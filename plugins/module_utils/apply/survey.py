# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is there already? As few questions as possible: the seal first, then the receipt."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..client.types import Object
from ..errors import FabricError
from . import receipt
from .identity import WORKLOADS, Key, is_secret
from .receipt import Receipt, Record
from .work import Work, versions_of

# removing these takes more with it than what we put there; only delete_bundle does it
KEPT = frozenset({"Namespace", "CustomResourceDefinition.apiextensions.k8s.io"})


@dataclass
class Survey:
    """``todo``: objects to send. ``stale``: objects of an earlier apply that the bundle holds no more.

    ``workloads``: the stored ones. ``complete``: the last apply of exactly this bundle came to its end.
    """

    receipt: Receipt = field(default_factory=Receipt)
    todo: dict[Key, Object] = field(default_factory=dict)
    stale: dict[Key, Record] = field(default_factory=dict)
    workloads: dict[Key, Object] = field(default_factory=dict)
    complete: bool = False

    @property
    def dirty(self) -> bool:
        """True when the receipt must be opened first. Secrets are always sent, so they do not count."""
        return not self.complete or bool(self.stale) or any(not is_secret(key) for key in self.todo)


async def survey(work: Work) -> Survey:
    """Find out what is left to do."""
    if work.options.drift not in ("off", "workloads", "full"):
        raise FabricError(f"drift is {work.options.drift!r}.", fix="use off, workloads or full.")
    found = Survey()
    secrets = {key: obj for key, obj in work.objects.items() if is_secret(key)}
    if work.options.drift != "off":
        found.workloads = await work.listed(versions_of(work.objects, work.workloads), metadata_only=False)
    if work.options.drift == "workloads" and not secrets and _sealed(work, found):
        found.complete = True
        return found
    found.receipt = receipt.read(await work.client.try_get(receipt.path(work.bundle, work.namespace)))
    found.complete = found.receipt.digest == work.digest
    records = found.receipt.records
    found.stale = {k: r for k, r in records.items() if k not in work.objects and k.group_kind not in KEPT}
    stored = await _stored(work, found)
    for key, obj in work.objects.items():
        record = records.get(key)
        looked_at = work.options.drift == "full" or (work.options.drift == "workloads" and key.group_kind in WORKLOADS)
        if is_secret(key) or record is None or record.hash != work.hashes[key] or not record.uid:
            found.todo[key] = obj
        elif looked_at and not _as_left(record, stored.get(key)):
            work.tell(f"{key.group_kind.partition('.')[0]} {key.name} is not as it was left")
            found.todo[key] = obj
    return found


def _sealed(work: Work, found: Survey) -> bool:
    keys = work.workloads
    return (
        bool(keys)
        and all(key in found.workloads for key in keys)
        and receipt.sealed((found.workloads[key] for key in keys), work.digest)
    )


async def _stored(work: Work, found: Survey) -> dict[Key, Object]:
    if work.options.drift != "full":
        return found.workloads
    others = [key for key in work.objects if key in found.receipt.records and key not in found.workloads]
    return {**found.workloads, **await work.listed(versions_of(work.objects, others), metadata_only=True)}


def _as_left(record: Record, stored: Object | None) -> bool:
    """Whether a stored object is what the record says; status changes do not count where the kind has generations."""
    if stored is None or stored["metadata"].get("uid") != record.uid:
        return False
    if receipt.seal_of(stored).endswith(f"/{receipt.mark(stored)}"):
        return True
    generation = int(stored["metadata"].get("generation") or 0)
    if generation:
        return generation == record.generation
    return bool(stored["metadata"].get("resourceVersion") == record.version)
