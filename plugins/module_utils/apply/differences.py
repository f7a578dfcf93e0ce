# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person sees of a change: the object before and after, without noise and without secrets."""

from __future__ import annotations

import contextlib
from typing import Any

from ..client._lib import yaml
from ..client.types import Object
from .identity import Key, is_secret, title
from .receipt import SEAL
from .types import Diff

_NOISE = ("managedFields", "resourceVersion", "generation", "uid", "creationTimestamp", "selfLink")
_HIDDEN_ANNOTATIONS = (SEAL, "kubectl.kubernetes.io/last-applied-configuration", "deployment.kubernetes.io/revision")


def essence(obj: Object) -> Object:
    """An object without status and what the server keeps for itself: two equal essences are no change."""
    metadata = {name: value for name, value in (obj.get("metadata") or {}).items() if name not in _NOISE}
    annotations = {n: v for n, v in (metadata.get("annotations") or {}).items() if n not in _HIDDEN_ANNOTATIONS}
    metadata.pop("annotations", None)
    if annotations:
        metadata["annotations"] = annotations
    return {**{name: value for name, value in obj.items() if name != "status"}, "metadata": metadata}


def difference(key: Key, before: Object | None, after: Object | None) -> Diff:
    """Both sides as YAML, values of Secrets masked; None is an object that is not there."""
    old, new = (essence(side) if side else None for side in (before, after))
    if is_secret(key):
        old, new = _mask(old, new, "before"), _mask(new, old, "after")
    return Diff(title(key), _text(old), _text(new))


def hide(key: Key, obj: Object, text: str) -> str:
    """Take a Secret's values out of a message about it: servers quote what they refuse."""
    if not is_secret(key):
        return text
    for section in ("data", "stringData"):
        for value in (obj.get(section) or {}).values():
            with contextlib.suppress(TypeError):
                text = text.replace(value, "***") if value else text
    return text


def _mask(side: Object | None, other: Object | None, word: str) -> Object | None:
    if side is None:
        return None
    masked = dict(side)
    for section in ("data", "stringData"):
        values: dict[str, Any] = masked.get(section) or {}
        others = (other or {}).get(section) or {}
        if values:
            same = {name for name, value in values.items() if others.get(name) == value}
            masked[section] = {name: "***" if name in same else f"*** ({word})" for name in values}
    return masked


def _text(obj: Object | None) -> str:
    if obj is None:
        return ""
    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    return str(yaml.dump(obj, Dumper=dumper, default_flow_style=False, width=120))
