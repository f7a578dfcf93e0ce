# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sending one object, for real or for show, with patience for what passes by itself."""

from __future__ import annotations

import asyncio
import random

from ..client.errors import ApiError
from ..client.types import Object
from . import differences
from .identity import Key, title
from .waves import is_custom
from .work import Work

_TRIES = 6
_LEAVING_SECONDS = 0.5


async def send(work: Work, key: Key, *, dry_run: bool = False) -> tuple[bool, Object]:
    """Apply one object of the bundle and return whether that made it, and what the server stored.

    :raises ApiError: the refusal, with the object's name and without a Secret's values.
    """
    try:
        return await settle(work, work.objects[key], dry_run=dry_run, custom=is_custom(key))
    except ApiError as error:
        raise _named(work, key, error) from error


async def settle(work: Work, obj: Object, *, dry_run: bool = False, custom: bool = False) -> tuple[bool, Object]:
    """Apply an object, again while what stands in its way passes by itself.

    That is a conflict with another writer, a ``custom`` kind that was defined a moment ago and is not served yet, and
    an object or a namespace of that name that is still being deleted.
    """
    loop = asyncio.get_running_loop()
    attempt = 0
    while True:
        try:
            made, stored = await work.client.applied(obj, dry_run=dry_run)
            if dry_run or not stored["metadata"].get("deletionTimestamp") or loop.time() >= work.ends:
                return made, stored
            leaving = True
        except ApiError as error:
            leaving = error.status == 403 and "being terminated" in error.message and not dry_run
            passing = error.status == 409 or (error.status == 404 and custom and not dry_run)
            if loop.time() >= work.ends or not (leaving or (passing and attempt < _TRIES)):
                raise
        attempt += 1
        if leaving and attempt == 1:
            work.tell(f"{obj['kind']} {obj['metadata']['name']} has to wait for an earlier deletion")
        await asyncio.sleep(_LEAVING_SECONDS if leaving else random.uniform(0, 0.1 * 2.0**attempt))


async def present(work: Work, key: Key) -> Object | None:
    """What the cluster holds in this place now; None also where the kind or the namespace is not there yet."""
    try:
        return await work.client.try_get(await work.client.path_of(work.objects[key]))
    except ApiError as error:
        if error.status == 404:  # no such kind
            return None
        raise


async def rehearsed(work: Work, key: Key) -> Object:
    """What the cluster would hold after applying; the manifest itself where its kind or namespace is yet to come."""
    try:
        return (await send(work, key, dry_run=True))[1]
    except ApiError as error:
        if error.status == 404:
            return work.objects[key]
        raise


def _named(work: Work, key: Key, error: ApiError) -> ApiError:
    """The same refusal; a Secret's values are taken out and an unchangeable field gets its advice."""
    error.message = f"{title(key)}: {differences.hide(key, work.objects[key], error.message)}"
    if error.status == 422 and "immutable" in error.message:
        error.fix = f"this field cannot be changed in place; delete {title(key)} and run again."
    return error
