# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Apply a bundle to a cluster, or remove it: the two things that the stages ask for."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from ..client.client import MERGE, Client
from ..client.errors import ApiError
from ..client.types import Object
from ..objects.bundle import Bundle
from . import differences, receipt
from .change import Log
from .identity import NAMESPACE, Key, title
from .lanes import in_lanes
from .receipt import Receipt, Record
from .remove import delete_bundle, prune, stale_now
from .send import present, rehearsed, send, settle
from .survey import Survey, survey
from .types import Diff, Options, Progress, Result
from .wait import until_ready
from .waves import FIRST, LAST, wave_of, waves
from .work import Work, versions_of, work_of

__all__ = ["Bundle", "Diff", "Options", "Result", "apply_bundle", "delete_bundle"]


async def apply_bundle(
    client: Client,
    bundle: Bundle,
    options: Options | None = None,
    *,
    namespace: str = NAMESPACE,
    progress: Progress | None = None,
) -> Result:
    """Bring one cluster to hold exactly ``bundle`` under the bundle's name, in as few requests as that takes.

    :param namespace: where receipts live; made if it is not there.
    :param progress: called with (cluster, text) while things take time.
    :raises FabricError: a refusal, a cluster that does not answer, or a workload that is not ready in time.
        What was applied stays; the next run goes on from there.
    """
    loop = asyncio.get_running_loop()
    started, sent = loop.time(), client.requests
    work = work_of(client, bundle, options or Options(), namespace, progress)
    found = await survey(work)
    log = await (_rehearse(work, found) if work.options.check else _carry_out(work, found))
    touched = len(log.created) + len(log.updated)
    return Result(
        changed=log.changed,
        created=tuple(log.created),
        updated=tuple(log.updated),
        pruned=tuple(log.pruned),
        unchanged=len(work.objects) - touched,
        diffs=tuple(log.diffs),
        requests=client.requests - sent,
        seconds=loop.time() - started,
    )


async def _rehearse(work: Work, found: Survey) -> Log:
    """Tell what would change: the server itself is asked, and told to change nothing."""
    log = Log()

    async def one(key: Key) -> None:
        before = await present(work, key)
        log.compared(key, before, await rehearsed(work, key), show=work.options.diff)

    await in_lanes(work.client, found.todo, one)
    if work.options.prune:
        for key, obj in (await stale_now(work, found.stale)).items():
            log.pruned.append(title(key))
            if work.options.diff:
                log.diffs.append(differences.difference(key, obj, None))
    return log


async def _carry_out(work: Work, found: Survey) -> Log:
    log = Log()
    if found.dirty:
        await _open_receipt(work, found, log)
    for wave in waves(work.objects):
        number = wave_of(next(iter(wave)))
        if number == LAST and work.options.wait:
            await until_ready(work, {**found.workloads, **log.stored})
        await _send_wave(work, found, log, [key for key in wave if key in found.todo and key not in log.stored])
        if number == FIRST:  # whatever comes next needs these, whether or not anybody wants to wait
            await until_ready(work, {key: log.stored[key] for key in wave if key in log.stored})
    if work.options.prune and found.stale:
        await prune(work, found.stale, log)
    if found.dirty or log.changed:
        await _close_receipt(work, found, log)
    else:
        await _seal_all(work, found, log)  # an earlier run may have been cut off just before it
    if work.options.wait:
        current = {**found.workloads, **log.stored}
        later = {key: obj for key, obj in current.items() if key in work.objects and wave_of(key) != FIRST}
        await until_ready(work, later)
    return log


async def _send_wave(work: Work, found: Survey, log: Log, keys: list[Key]) -> None:
    async def one(key: Key) -> None:
        if work.options.diff:
            before = await present(work, key)
            log.stored[key] = stored = (await send(work, key))[1]
            log.compared(key, before, stored, show=True)
        else:
            made, stored = await send(work, key)
            log.sent(key, stored, found.receipt.records.get(key), made=made)

    await in_lanes(work.client, keys, one)


async def _open_receipt(work: Work, found: Survey, log: Log) -> None:
    """Say what is about to be touched before touching it: an apply that is cut off must not look like one that is done.

    The answer also tells the server's own time, from which changes are told apart later.
    """
    old = found.receipt.records
    records = {key: old.get(key, Record(obj["apiVersion"])) for key, obj in work.objects.items()}
    records = {key: replace(record, hash="") if key in found.todo else record for key, record in records.items()}
    parent = receipt.write(work.bundle, work.namespace, Receipt("", {**old, **records}))
    try:
        _key, stored = await settle(work, parent)
    except ApiError as error:
        if error.status != 404:
            raise
        await _make_namespace(work, log)
        _key, stored = await settle(work, parent)
    log.started = max((str(e.get("time") or "") for e in stored["metadata"].get("managedFields") or ()), default="")
    if work.options.drift == "off":
        found.workloads = await work.listed(versions_of(work.objects, work.workloads), metadata_only=False)
    for key, workload in found.workloads.items():
        if receipt.seal_of(workload):
            await _seal(work, key, workload, None)


async def _make_namespace(work: Work, log: Log) -> None:
    """The receipts' namespace, as the bundle describes it where it does."""
    key = Key("Namespace", "", work.namespace)
    if key in work.objects:
        _key, log.stored[key] = await send(work, key)
        log.created.append(title(key))
        if work.options.diff:
            log.diffs.append(differences.difference(key, None, log.stored[key]))
        return
    labels = {"app.kubernetes.io/managed-by": "clusterset.fabric"}
    await work.client.apply(
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": work.namespace, "labels": labels}}
    )


async def _close_receipt(work: Work, found: Survey, log: Log) -> None:
    """Write down what is there now, and seal the workloads."""
    records = {key: found.receipt.records[key] for key in work.objects if key in found.receipt.records}
    for key, stored in log.stored.items():
        records[key] = receipt.record_of(stored, work.hashes[key])
    if not work.options.prune:  # still ours, to be pruned another time
        records = {**found.stale, **records}
    kept = {key: record for key, record in found.receipt.records.items() if key not in found.stale}
    await work.client.apply(receipt.write(work.bundle, work.namespace, Receipt(work.digest, {**kept, **records})))
    await _seal_all(work, found, log)


async def _seal_all(work: Work, found: Survey, log: Log) -> None:
    """Seal every workload that is not sealed yet."""
    for key in work.workloads:
        workload = log.stored.get(key) or found.workloads.get(key)
        if workload:
            value = receipt.seal(work.digest, workload)
            if found.dirty or receipt.seal_of(workload) != value:
                await _seal(work, key, workload, value)


async def _seal(work: Work, key: Key, workload: Object, value: str | None) -> None:
    """Set or take away a workload's seal, in another manager's name so that an apply does not take it away."""
    path = await work.client.resource_path(workload["apiVersion"], workload["kind"], key.namespace, key.name)
    body = {"metadata": {"annotations": {receipt.SEAL: value}}}
    try:
        await work.client.request("PATCH", path, params={"fieldManager": receipt.SEALER}, body=body, content_type=MERGE)
    except ApiError as error:
        if error.status != 404:  # deleted meanwhile; the next run will notice
            raise
