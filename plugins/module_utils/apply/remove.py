# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Taking away: what a bundle no longer holds, or all of it. Only what carries the bundle's label, by uid."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from ..client.client import Client
from ..client.errors import ApiError
from ..client.paths import RESOURCES
from ..client.types import Object
from . import differences, receipt
from .change import Log
from .identity import NAMESPACE, PART_OF, Key, group_kind, title
from .lanes import in_lanes
from .receipt import Record
from .types import Options, Progress, Result
from .wait import until_gone
from .waves import removal
from .work import Work, _silent

_HOME_SECONDS = 0.5
_NOT_SWEPT = ("Event", "Endpoints", "EndpointSlice", "Pod", "ReplicaSet", "ControllerRevision", "Node")


async def stale_now(work: Work, stale: Mapping[Key, Record]) -> dict[Key, Object]:
    """Which of these are still there and still carry the bundle's label: who takes the label off keeps the object."""
    if not stale:
        return {}
    found = await _listed(work, {key: record.api_version for key, record in stale.items()})
    return {key: obj for key, obj in found.items() if key in stale}


async def prune(work: Work, stale: Mapping[Key, Record], log: Log) -> None:
    """Delete what an earlier apply of this bundle left and the bundle holds no more."""
    await _delete_waves(work, await stale_now(work, stale), log)


async def delete_bundle(
    client: Client,
    name: str,
    options: Options | None = None,
    *,
    namespace: str = NAMESPACE,
    progress: Progress | None = None,
) -> Result:
    """Remove everything that was applied under the bundle's name, last things first, then its receipt.

    The receipts' namespace goes with the last receipt. A lost receipt is made up for by looking for the label in
    every kind we know. In check mode nothing is removed, but all is named.
    """
    loop = asyncio.get_running_loop()
    started, sent = loop.time(), client.requests
    work = Work(client, name, options or Options(), namespace, progress or _silent)
    stored = await client.try_get(receipt.path(name, namespace))
    records = receipt.read(stored).records
    versions = {key: record.api_version for key, record in records.items()} or _every_kind()
    home = Key("Namespace", "", namespace)
    found = {key: obj for key, obj in (await _listed(work, versions)).items() if key != home}
    log = Log()
    await _delete_waves(work, found, log)
    await _delete_home(work, stored, log)
    return Result(
        changed=log.changed,
        pruned=tuple(log.pruned),
        diffs=tuple(log.diffs),
        requests=client.requests - sent,
        seconds=loop.time() - started,
    )


async def _delete_waves(work: Work, found: Mapping[Key, Object], log: Log) -> None:
    async def one(key: Key) -> None:
        obj = found[key]
        if work.options.check or await _delete(work, key, obj):
            log.pruned.append(title(key))
            if work.options.diff:
                log.diffs.append(differences.difference(key, obj, None))

    for wave in removal(found):
        await in_lanes(work.client, wave, one)
        if work.options.wait and not work.options.check:
            await until_gone(work, wave, {key: found[key]["apiVersion"] for key in wave})


async def _delete(work: Work, key: Key, obj: Object) -> bool:
    path = await work.client.resource_path(obj["apiVersion"], obj["kind"], key.namespace, key.name)
    return await work.client.delete(path, uid=obj["metadata"].get("uid") or "")


async def _delete_home(work: Work, stored: Object | None, log: Log) -> None:
    """The receipt, and with the last one the namespace, if it is one that we made."""
    home = Key("Namespace", "", work.namespace)
    path = f"/api/v1/namespaces/{work.namespace}"
    if stored is not None and not work.options.check:
        await work.client.delete(receipt.path(work.bundle, work.namespace))
    space = await work.client.try_get(path)
    labels = ((space or {}).get("metadata") or {}).get("labels") or {}
    ours = labels.get("app.kubernetes.io/managed-by") == "clusterset.fabric" or PART_OF in labels
    if space is None or not ours:
        return
    others = await work.client.list(f"{path}/configmaps", label_selector=receipt.parents(), metadata_only=True)
    mine = receipt.path(work.bundle, work.namespace).rpartition("/")[2]
    if any(other["metadata"]["name"] != mine for other in others):
        return
    wait, check = work.options.wait, work.options.check
    if check or await work.client.delete(path, uid=space["metadata"].get("uid") or ""):
        log.pruned.append(title(home))
    while wait and not check and await work.client.try_get(path) is not None:
        work.tell(f"waiting for {title(home)} to go")
        await asyncio.sleep(_HOME_SECONDS)


async def _listed(work: Work, versions: Mapping[Key, str]) -> dict[Key, Object]:
    """What carries the label in these collections; a kind that the cluster does not serve any more holds nothing."""
    found: dict[Key, Object] = {}
    by_kind: dict[tuple[str, str], dict[Key, str]] = {}
    for key, version in versions.items():
        by_kind.setdefault((key.group_kind, key.namespace), {})[key] = version
    for part in by_kind.values():
        try:
            found.update(await work.listed(part, metadata_only=True))
        except ApiError as error:
            if error.status != 404:
                raise
    return found


def _every_kind() -> dict[Key, str]:
    return {Key(group_kind(version, kind), "", ""): version for version, kind in RESOURCES if kind not in _NOT_SWEPT}
