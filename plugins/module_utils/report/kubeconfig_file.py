# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kubeconfig of one holder: a context for each cluster, by its id, with a token of its own."""

from __future__ import annotations

import base64
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from ..apply.holders import Access
from ..client._lib import yaml
from ..errors import FabricError
from .whole_file import write_whole

OURS = "clusterset.fabric"  # name of the extension by which we know the files that we wrote


def kubeconfig_text(name: str, accesses: Mapping[str, Access]) -> str:
    """YAML text. :param accesses: by cluster id, at least one."""
    ids = sorted(accesses)
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "extensions": [{"name": OURS, "extension": {"holder": name}}],
        "clusters": [{"name": each, "cluster": _cluster(accesses[each])} for each in ids],
        "users": [{"name": _user(name, each), "user": {"token": accesses[each].token}} for each in ids],
        "contexts": [{"name": each, "context": {"cluster": each, "user": _user(name, each)}} for each in ids],
        "current-context": ids[0],
    }
    return str(yaml.safe_dump(document, sort_keys=False))


def check_path(path: str) -> None:
    """Refuse a file that somebody else wrote: it would be lost. FabricError."""
    if Path(path).expanduser().exists() and _written_by_us(path) is None:
        fix = "choose another fabric_kubeconfig_path, or move that file away"
        raise FabricError(f"fabric_kubeconfig_path: {path} is no file of ours", fix=fix)


def write(name: str, accesses: Mapping[str, Access], path: str) -> str:
    """Write the file with mode 0600, replaced as a whole; returns the absolute path. FabricError."""
    try:
        return write_whole(kubeconfig_text(name, accesses), path, mode=0o600)
    except OSError as error:
        text = f"fabric_kubeconfig_path: {path} cannot be written ({error.strerror}), and nobody has the tokens now"
        raise FabricError(text, fix="choose a path in a folder of yours, and run this again") from error


def discard(path: str, revoked: Collection[str], *, check: bool) -> list[str]:
    """Delete a file of ours all of whose contexts were revoked; returns those for which it was kept. OSError."""
    document = _written_by_us(path)
    if document is None:
        return []
    left = sorted(str(each["name"]) for each in document.get("contexts") or () if each["name"] not in revoked)
    if not left and not check:
        Path(path).expanduser().unlink()
    return left


def _written_by_us(path: str) -> dict[str, Any] | None:
    try:
        document = yaml.safe_load(Path(path).expanduser().read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError):
        return None
    marks = document.get("extensions") if isinstance(document, dict) else None
    ours = isinstance(marks, list) and any(isinstance(each, dict) and each.get("name") == OURS for each in marks)
    return document if ours else None


def _cluster(access: Access) -> dict[str, str]:
    entry = {"server": access.server}
    if access.ca:
        entry["certificate-authority-data"] = base64.b64encode(access.ca.encode()).decode()
    if access.server_name:
        entry["tls-server-name"] = access.server_name
    return entry


def _user(name: str, cluster: str) -> str:
    return f"{name}@{cluster}"
