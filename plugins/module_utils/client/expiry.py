# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Until when a credential may be used, in seconds from now."""

from __future__ import annotations

import base64
import json
import math
from datetime import UTC, datetime

_SKEW = 60.0


def seconds_left(timestamp: str | None) -> float:
    """Seconds until an RFC 3339 time, less a minute of caution; infinite when there is none or it is unreadable."""
    try:
        moment = datetime.fromisoformat(str(timestamp).replace("Z", "+00:00"))
    except ValueError:
        return math.inf
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return (moment - datetime.now(UTC)).total_seconds() - _SKEW


def token_seconds_left(token: str) -> float:
    """Seconds until a JSON web token expires, less a minute; infinite for any other kind of token."""
    parts = token.split(".")
    if len(parts) != 3:
        return math.inf
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
        return float(claims["exp"]) - datetime.now(UTC).timestamp() - _SKEW
    except (ValueError, KeyError, TypeError):
        return math.inf
