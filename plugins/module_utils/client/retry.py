# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When a request is worth another try, and after which pause: exponential with full jitter."""

from __future__ import annotations

import random

from .errors import ApiError, Unreachable

TRIES = 6
_BASE = 0.2
_CAP = 10.0
_REPEATABLE = frozenset({"GET", "PUT", "PATCH", "DELETE", "HEAD"})
_WITHOUT_ADDRESS = 3


def pause(method: str, error: ApiError | Unreachable, attempt: int) -> float | None:
    """Seconds to wait before try ``attempt + 1``, or None to give up.

    429 is repeated for every method (nothing was done), 5xx and broken connections only where a repetition does no
    harm, a connection that could not be made a few times only: a server that is down should be reported soon.
    """
    if isinstance(error, Unreachable):
        again = not error.lasting and attempt < _WITHOUT_ADDRESS and (method in _REPEATABLE or not error.sent)
    elif error.status == 429:
        again = True
    else:
        again = error.status >= 500 and error.status != 501 and method in _REPEATABLE and attempt < TRIES
    if not again:
        return None
    jitter = random.uniform(0, min(_CAP, _BASE * 2.0**attempt))
    return jitter + (error.retry_after if isinstance(error, ApiError) else 0.0)
