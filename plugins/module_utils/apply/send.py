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


async def send(work: Work, key: Key, *, dry_run: bool = False) -> tuple[bool, Object]:
    """Apply one object of the bundle and return whether that made it, and what the server stored.

    A conflict with another writer, and a kind that was defined a moment ago and is not served yet, are tried again.
    :raises ApiError: the refusal, with the object's name and without a Secret's values.
    """
    attempt = 0
    while True:
        try:
            return await work.client.applied(work.objects[key], dry_run=dry_run)
        except ApiError as error:
            passing = error.status == 409 or (error.status == 404 and is_custom(key) and not dry_run)
            if not passing or attempt >= _TRIES:
                raise _named(work, key, error) from error
        attempt += 1
        await asyncio.sleep(random.uniform(0, 0.1 * 2.0**attempt))


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
