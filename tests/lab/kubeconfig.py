"""One kubeconfig for all clusters, put together from kind's one for each: kind does not wait for another's lock."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

_WRITING = threading.Lock()
_LISTS = ("clusters", "contexts", "users")


def merged(texts: Iterable[str]) -> dict[str, Any]:
    """The clusters, contexts and users of several kubeconfigs; the first context is the current one."""
    whole: dict[str, Any] = {"apiVersion": "v1", "kind": "Config", "preferences": {}, **{name: [] for name in _LISTS}}
    for text in texts:
        part = yaml.safe_load(text) or {}
        for name in _LISTS:
            whole[name] += part.get(name) or []
    whole["current-context"] = whole["contexts"][0]["name"] if whole["contexts"] else ""
    return whole


def write(target: Path, folder: Path) -> None:
    """Put ``<folder>/*/kubeconfig`` together into ``target``, readable by this user only."""
    with _WRITING:
        parts = sorted(folder.glob("*/kubeconfig"))
        draft = target.with_suffix(".new")
        draft.touch(mode=0o600)
        draft.write_text(yaml.safe_dump(merged(part.read_text() for part in parts)))
        os.replace(draft, target)
