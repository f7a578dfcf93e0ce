# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kubeconfig that joins a hub's public details of a cluster with a program of this machine; no secret is in it."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .entries import Entry, fault, plain
from .kubeconfig import absolute
from .secrets import refuse_secrets

EXEC_KEYS = ("apiVersion", "command", "args", "env", "provideClusterInfo", "interactiveMode", "installHint")
EXEC_DEFAULTS = {
    "apiVersion": "client.authentication.k8s.io/v1",
    "interactiveMode": "Never",
    "provideClusterInfo": True,
}
PUBLIC = (
    "server",
    "certificate-authority-data",
    "tls-server-name",
    "proxy-url",
    "disable-compression",
    "extensions",
)


@dataclass(frozen=True)
class File:
    """Where a kubeconfig goes: ``<directory>/<cluster>.<hash of origin>.kubeconfig``."""

    directory: str
    cluster: str
    origin: str

    @property
    def path(self) -> str:
        """The absolute path; two origins never share one."""
        mark = hashlib.sha256(self.origin.encode()).hexdigest()[:8]
        return os.path.join(self.directory, f"{self.cluster}.{mark}.kubeconfig")


def read_program(item: Entry, base: str) -> dict[str, Any]:
    """The exec plugin of an access way, as a kubeconfig writes it; secrets in arguments or environment are refused.

    A command with a relative path starts at ``base``; a mere name is looked for in $PATH.
    """
    entry = Entry(item.data["exec"], item.at("exec"), EXEC_KEYS)
    command = entry.text("command")
    if not command:
        raise fault(entry.at("command"), "is missing.", "name the program that prints an ExecCredential")
    refuse_secrets({"args": entry.texts("args")}, entry.place)
    for index, pair in enumerate(entry.data.get("env") or ()):
        variable = Entry(pair, f"{entry.place}.env[{index}]", ("name", "value"))
        refuse_secrets({variable.text("name"): variable.text("value")}, variable.place)
    path = absolute(command, base, entry.at("command")) if os.sep in command else str(command)
    return {**EXEC_DEFAULTS, **plain(entry.data), "command": path}


def write(file: File, cluster: Mapping[str, Any], program: Mapping[str, Any], place: str) -> str:
    """Write the kubeconfig; returns its path. Its one context is named like the cluster."""
    server = str(cluster.get("server", ""))
    name = file.cluster
    if not server.startswith("https://") or cluster.get("insecure-skip-tls-verify"):
        what = f"the hub offers an unverified connection to {name} ('{server}')."
        raise fault(place, what, "let it publish https and a certificate authority, or map the cluster to a kubeconfig")
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": name,
        "clusters": [{"name": name, "cluster": {key: cluster[key] for key in PUBLIC if key in cluster}}],
        "users": [{"name": name, "user": {"exec": dict(program)}}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
    }
    try:
        _replace(file.path, json.dumps(content, indent=1))
    except OSError as error:
        what = f"cannot write {file.path}: {error.strerror}."
        raise fault(place, what, "name a writable folder with directory:") from error
    return file.path


def _replace(path: str, content: str) -> None:
    """Make a file of this content in one step, readable by its owner only; nothing if it is so already."""
    folder = os.path.dirname(path)
    os.makedirs(folder, mode=0o700, exist_ok=True)
    if os.path.isfile(path):
        with open(path, encoding="utf-8") as file:
            if file.read() == content:
                return
    handle, temporary = tempfile.mkstemp(dir=folder)  # mkstemp makes it 0600
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(content)
    os.replace(temporary, path)
