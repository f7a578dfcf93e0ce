# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which of a cluster's credentials at its peers end soon, ended, or are refused. No token is read for it."""

from __future__ import annotations

from datetime import UTC, datetime

from ..apply.peer_tokens import ENOUGH, EXPIRES, REFUSED, life_of
from ..client.client import Client
from ..client.errors import ApiError
from ..client.types import Object
from ..facts.raw import dig
from ..objects.agent import NAMESPACE
from ..objects.services import PEER_LABEL

_FIX = "run site.yml, which gives another one"


async def warnings(client: Client) -> list[str]:
    """One line for each credential that will not do for long; a sync part that works renews in time."""
    path = f"/api/v1/namespaces/{NAMESPACE}/secrets"
    try:
        found = await client.list(path, label_selector=PEER_LABEL, metadata_only=True)
    except ApiError as error:
        if error.status == 403:
            return [f"its credentials at peers were not looked at: you may not list Secrets in {NAMESPACE}"]
        raise
    now = datetime.now(UTC)
    return [text for item in found if (text := complaint(item, now))]


def complaint(secret: Object, now: datetime) -> str:
    """What is wrong with the credential that a Secret's metadata describe, or ""."""
    credential = f"its credential at {dig(secret, 'metadata', 'labels', PEER_LABEL)}"
    notes = dig(secret, "metadata", "annotations") or {}
    if notes.get(REFUSED) == "true":
        return f"{credential} is refused there: {_FIX}"
    life = life_of(notes, now)
    if life is None:
        return f"{credential} does not say until when it lasts: {_FIX}"
    if life.left <= 0:
        return f"{credential} ended at {notes[EXPIRES]}: {_FIX}"
    if life.left < ENOUGH * life.whole:
        return f"{credential} ends at {notes[EXPIRES]}, in {_words(life.left)}, and was not renewed: {_FIX}"
    return ""


def _words(seconds: float) -> str:
    return f"{seconds / 3600:.1f} h" if seconds >= 5400 else f"{seconds / 60:.0f} min"
