# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""No secret becomes a host variable: what looks like one by name or by value is refused, and never shown."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from .entries import fault

FIX = "refer to it: a kubeconfig path and context, a file that the plays read, or a template that looks it up"
WORDS = {"token", "password", "passwd", "passphrase", "secret", "bearer", "apikey", "privatekey"}
PAIRS = {("api", "key"), ("private", "key"), ("client", "key"), ("access", "key"), ("client", "certificate")}
REFERENCE_ENDS = {"file", "path", "name", "names", "ref", "env", "namespace", "url", "dir", "ttl", "seconds"}
VALUES = {
    "a JSON web token": re.compile(r"\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\."),
    "a private key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----"),
    "base64 of a PEM file": re.compile(r"\bLS0tLS1CRUdJTi"),
    "an OpenShift token": re.compile(r"\bsha256~[\w-]{20,}"),
    "a kubeadm token": re.compile(r"\A[a-z0-9]{6}\.[a-z0-9]{16}\Z"),
    "a password in a URL": re.compile(r"://[^/\s:@{]*:[^/\s@{]+@"),
    "a kubeconfig": re.compile(r"\b(client-key-data|client-certificate-data|certificate-authority-data)\b"),
}
TEMPLATE = re.compile(r"\A\s*\{\{.*\}\}\s*\Z", re.S)


def refuse_secrets(variables: Mapping[str, Any], place: str) -> None:
    """Raise if a variable's name or value looks like a secret, at any depth. The message holds no value.

    A template that looks a secret up is a reference and passes; so do booleans and empty values.
    """
    for name, value in variables.items():
        _check(value, f"{place}.{name}", named_like_secret(str(name)))


def named_like_secret(name: str) -> bool:
    """Whether a variable's name says that it holds a secret; ``..._file`` and the like only refer to one."""
    words = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name).lower().replace("-", "_").split("_")
    if words[-1] in REFERENCE_ENDS:
        return False
    return bool(WORDS & set(words)) or any(pair in PAIRS for pair in pairwise(words))


def _check(value: Any, place: str, named: bool) -> None:
    """Check one value; ``named``: it or a mapping around it is named like a secret."""
    if isinstance(value, Mapping):
        if {"users", "clusters"} <= set(value):
            raise fault(place, "holds a kubeconfig.", FIX)
        for name, item in value.items():
            _check(item, f"{place}.{name}", named or named_like_secret(str(name)))
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            _check(item, f"{place}[{index}]", named)
    elif type(value).__name__ == "EncryptedString":
        raise fault(place, "is vault-encrypted; exports of an inventory would hold it in clear.", FIX)
    elif isinstance(value, str):
        _check_text(value, place, named)
    elif named and isinstance(value, (int, float)) and not isinstance(value, bool):
        raise fault(place, "is named like a secret.", FIX)


def _check_text(value: str, place: str, named: bool) -> None:
    for what, pattern in VALUES.items():
        if pattern.search(value):
            raise fault(place, f"holds {what}.", FIX)
    if named and value and not TEMPLATE.match(value):
        raise fault(place, "is named like a secret.", FIX)
