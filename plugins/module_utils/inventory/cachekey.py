# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a cached map depends on: every option, and every kubeconfig that it was made from."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from typing import Any

from ..errors import FabricError
from .entries import plain
from .kubeconfig import search_path
from .variables import PATH

FORMAT = 1  # raise it when the stored map changes its shape


def digest(config: Mapping[str, Any], base: str, extra: Any = None) -> str:
    """One hash over the options in their order, the folder, the kubeconfigs' content, and ``extra``.

    Nothing of a kubeconfig can be read back from it. Options that are wrong are hashed too: reading them is the time
    to complain.
    """
    total = hashlib.sha256(json.dumps([FORMAT, base, plain(config), plain(extra)]).encode())
    for path in sorted({path for value in _named(config) for path in _files(value, base)}):
        total.update(path.encode() + b"\0" + _content(path))
    return total.hexdigest()


def intact(own: Mapping[str, Mapping[str, Any]]) -> bool:
    """Whether every kubeconfig that a cached map refers to still exists."""
    paths = {str(variables[PATH]) for variables in own.values() if variables.get(PATH)}
    return all(os.path.isfile(part) for path in paths for part in path.split(os.pathsep))


def _named(node: Any) -> Iterator[Any]:
    """Each value that names kubeconfig files, anywhere in the options; true stands for the default search."""
    if isinstance(node, (list, tuple)):
        for item in node:
            yield from _named(item)
    elif isinstance(node, Mapping):
        for key, value in node.items():
            if key in ("kubeconfig", PATH):
                yield value
            elif key == "kind" or (key == "cluster_profiles" and "kubeconfig" not in (value or ())):
                yield True
            yield from _named(value)


def _files(value: Any, base: str) -> list[str]:
    try:
        return search_path(value, base, "")
    except FabricError:
        return []


def _content(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return hashlib.sha256(file.read()).digest()
    except OSError:
        return b"absent"
