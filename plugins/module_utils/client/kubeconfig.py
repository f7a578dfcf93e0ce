# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading kubeconfig files: each once, however many contexts are taken from it."""

from __future__ import annotations

import difflib
import json
import os
from pathlib import Path
from typing import Any

from ._lib import ConfigNode, yaml
from .errors import Unreachable
from .types import ClusterRef

_SECTIONS = ("clusters", "contexts", "users")
_parsed: dict[tuple[str, int, int], dict[str, Any]] = {}
_merged: dict[tuple[tuple[str, int, int], ...], Any] = {}


def search_path(ref: ClusterRef) -> list[str]:
    """The files that hold ``ref``, in order: its own, else ``$KUBECONFIG``, else ``~/.kube/config``."""
    value = ref.kubeconfig or os.environ.get("KUBECONFIG") or "~/.kube/config"
    return [os.path.expanduser(part) for part in value.split(os.pathsep) if part]


def load(ref: ClusterRef) -> Any:
    """Return the merged kubeconfig of ``ref`` as a ConfigNode whose entries remember the file they came from.

    :raises Unreachable: no file found, or one that cannot be read as a kubeconfig.
    """
    paths = search_path(ref)
    keys = tuple(key for key in map(_key, paths) if key)
    if not keys:
        raise Unreachable(
            ref.name,
            f"the kubeconfig {', '.join(paths)} does not exist.",
            fix="correct fabric_kubeconfig of this cluster, or create the file.",
            lasting=True,
        )
    if keys not in _merged:
        _merged[keys] = _merge([(key[0], _parse(ref, key)) for key in keys])
    return _merged[keys]


def context_of(ref: ClusterRef, config: Any) -> str:
    """Name the context to use: the one asked for, else the current one.

    :raises Unreachable: there is no such context (the nearest name is suggested).
    """
    names = [str(entry["name"]) for entry in config.value["contexts"]]
    name = ref.context or config.value.get("current-context")
    if name in names:
        return str(name)
    where = ", ".join(search_path(ref))
    if not name:
        raise Unreachable(
            ref.name, f"{where} has no current context.", fix="set fabric_context of this cluster.", lasting=True
        )
    near = difflib.get_close_matches(str(name), names, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"it has {', '.join(names) or 'none'}."
    raise Unreachable(
        ref.name, f"context {name!r} is not in {where}.", fix=f"correct fabric_context; {hint}", lasting=True
    )


def _key(path: str) -> tuple[str, int, int] | None:
    try:
        stat = os.stat(path)
    except OSError:
        return None
    return (os.path.abspath(path), stat.st_mtime_ns, stat.st_size)


def _parse(ref: ClusterRef, key: tuple[str, int, int]) -> dict[str, Any]:
    if key not in _parsed:
        try:
            value = parse_text(Path(key[0]).read_text(encoding="utf-8"))
        except (OSError, ValueError, yaml.YAMLError) as error:
            # the parser's own message may quote the line, and the line may hold a token
            kind = error.strerror if isinstance(error, OSError) else "it is not valid YAML"
            raise Unreachable(
                ref.name, f"the kubeconfig {key[0]} cannot be read: {kind}.", fix="repair the file.", lasting=True
            ) from None
        if not isinstance(value, dict) or not isinstance(value.get("contexts"), list):
            raise Unreachable(
                ref.name,
                f"{key[0]} is not a kubeconfig: it has no list of contexts.",
                fix="name another file.",
                lasting=True,
            )
        _parsed[key] = value
    return _parsed[key]


def parse_text(text: str) -> Any:
    """Decode JSON or YAML; JSON first because it is twenty times faster, then libyaml's loader."""
    if text.lstrip().startswith("{"):
        try:
            return json.loads(text)
        except ValueError:
            pass
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return yaml.load(text, Loader=loader)


def _merge(files: list[tuple[str, dict[str, Any]]]) -> Any:
    """The first file that names an entry wins, as kubectl does it."""
    merged: dict[str, Any] = {section: [] for section in _SECTIONS}
    seen: dict[str, set[str]] = {section: set() for section in _SECTIONS}
    for path, content in files:
        if content.get("current-context"):
            merged.setdefault("current-context", content["current-context"])
        for section in _SECTIONS:
            for entry in content.get(section) or ():
                name = str(entry.get("name", ""))
                if name not in seen[section]:
                    seen[section].add(name)
                    merged[section].append(ConfigNode(f"{section}[{name}]", entry, path))
    return ConfigNode("kubeconfig", merged, files[0][0])
