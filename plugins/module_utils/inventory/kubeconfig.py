# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of contexts in kubeconfig files, and the source that makes clusters of them. Credentials are never kept."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from . import _lib
from .entries import Entry, fault, listed, matching, nearest
from .found import Found

KEYS = ("kubeconfig", "contexts", "strip_prefix", "strip_suffix", "names")
DEFAULT_PATH = "~/.kube/config"


@dataclass(frozen=True)
class Context:
    """A context's names: its own, its cluster's and its user's; ``path`` is the kubeconfig to open it with."""

    name: str
    cluster: str
    user: str
    path: str


def search_path(value: Any, base: str, place: str) -> list[str]:
    """The absolute paths that ``kubeconfig:`` stands for.

    ``true`` is kubectl's own search ($KUBECONFIG, else ~/.kube/config). A string is a path, or several joined as in
    $KUBECONFIG; ``~`` and ``$NAME`` are expanded; a relative one starts at ``base``, the inventory file's folder.
    """
    if value is True:
        value = os.environ.get("KUBECONFIG") or DEFAULT_PATH
        base = os.getcwd()
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, list) or not texts or not all(isinstance(text, str) for text in texts):
        fix = "write a path, a list of paths, or true for $KUBECONFIG and ~/.kube/config"
        if isinstance(value, Mapping):
            raise fault(place, "holds a kubeconfig itself; credentials never go into an inventory.", fix)
        raise fault(place, "is neither a path nor true.", fix)
    return [absolute(part, base, place) for text in texts for part in text.split(os.pathsep) if part]


def absolute(path: str, base: str, place: str) -> str:
    """One path with ``~`` and ``$NAME`` expanded, from ``base`` if relative."""
    expanded = os.path.expandvars(os.path.expanduser(path))
    if "$" in expanded:
        raise fault(place, f"the environment variable of '{path}' is not set.", "set it, or write the path")
    return os.path.normpath(os.path.join(base, expanded))


def read_contexts(paths: list[str], place: str) -> dict[str, Context]:
    """All contexts of these files by name; the first file that has a name wins, as in kubectl.

    A context whose cluster and user are in its own file is opened with that file alone.
    """
    present = [path for path in paths if os.path.isfile(path)]
    if not present:
        raise fault(place, f"no such kubeconfig: {listed(paths)}.", "correct the path, or create the clusters first")
    owner: dict[tuple[str, str], str] = {}
    raw: dict[str, Mapping[str, Any]] = {}
    for path in present:
        for section, name, body in _names(path, place):
            owner.setdefault((section, name), path)
            if section == "contexts":
                raw.setdefault(name, body)
    contexts = {}
    for name, body in raw.items():
        cluster, user = str(body.get("cluster") or ""), str(body.get("user") or "")
        home = owner["contexts", name]
        alone = owner.get(("clusters", cluster)) == home and owner.get(("users", user), home) == home
        contexts[name] = Context(name, cluster, user, home if alone else os.pathsep.join(present))
    return contexts


def _names(path: str, place: str) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """(section, name, body) of each named entry; only a context's body is passed on, the others hold credentials."""
    try:
        with open(path, encoding="utf-8") as file:
            data = _lib.parse_yaml(file.read())
    except (OSError, UnicodeDecodeError) as error:
        raise fault(place, f"cannot read {path}: {type(error).__name__}.", "make it readable by this user") from None
    except ValueError as error:
        raise fault(place, f"{path} is not YAML: {error}.", "correct the file") from None
    if not isinstance(data, Mapping):
        raise fault(place, f"{path} is not a kubeconfig: no mapping in it.", "name a kubeconfig file")
    for section, inner in (("contexts", "context"), ("clusters", ""), ("users", "")):
        for item in data.get(section) or ():
            if isinstance(item, Mapping) and isinstance(item.get("name"), str):
                body = item.get(inner) if inner else None
                yield section, item["name"], body if isinstance(body, Mapping) else {}


def find(data: Mapping[str, Any], place: str, base: str) -> list[Found]:
    """The clusters of ``{kubeconfig: path, contexts: [patterns], strip_prefix:, strip_suffix:, names: {}}``."""
    entry = Entry(data, place, KEYS)
    contexts = read_contexts(search_path(data["kubeconfig"], base, entry.at("kubeconfig")), entry.at("kubeconfig"))
    chosen = _choose(entry, contexts)
    names = entry.mapping("names")
    for name in names:
        if name not in chosen:
            what = f"no context '{name}'.{nearest(name, chosen)}"
            raise fault(entry.at("names"), what, f"there are: {listed(chosen)}")
    return [Found(_host_name(entry, names, name), "kubeconfig", place, reference(contexts[name])) for name in chosen]


def reference(context: Context) -> dict[str, Any]:
    """The host variables that say how to reach a context's cluster."""
    return {"fabric_kubeconfig": context.path, "fabric_context": context.name}


def _choose(entry: Entry, contexts: Mapping[str, Context]) -> list[str]:
    """Context names that the patterns choose, each once; all without patterns."""
    chosen: dict[str, None] = {}
    for index, pattern in enumerate(entry.texts("contexts") or ["*"]):
        found = matching(pattern, contexts)
        if not found:
            what = f"'{pattern}' matches no context.{nearest(pattern, contexts)}"
            raise fault(f"{entry.place}.contexts[{index}]", what, f"the file has: {listed(contexts)}")
        chosen.update(dict.fromkeys(found))
    return list(chosen)


def _host_name(entry: Entry, names: Mapping[str, Any], context: str) -> str:
    """The host name of a context: given by ``names``, else the context's without the prefix and suffix."""
    if context in names:
        return str(names[context])
    return context.removeprefix(entry.text("strip_prefix")).removesuffix(entry.text("strip_suffix"))
