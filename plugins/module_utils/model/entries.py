# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the checks of variables that are lists of entries have in common."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Sequence

from ..errors import FabricError

Problem = tuple[str, str]
"""What is wrong with an entry, and the fix."""
NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
"""A name of Kubernetes that is a label of DNS, RFC 1123."""
LABEL_KEY = re.compile(r"([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
LABEL_VALUE = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?")


def unknown_keys(given: Iterable[object], keys: Sequence[str], where: str = "") -> Iterator[Problem]:
    """Keys that mean nothing. :param where: such as " in from"."""
    for key in given:
        if key not in keys:
            near = difflib.get_close_matches(str(key), keys, n=1)
            yield f"unknown key {key!r}{where}", f"did you mean {near[0]}?" if near else f"use {', '.join(keys)}"


def errors_of(host: str, variable: str, number: int, problems: Iterable[Problem]) -> list[FabricError]:
    """The problems of the entry of that number, as a person is told of them."""
    return [FabricError(f"{variable}, entry {number}: {text}", cluster=host, fix=fix) for text, fix in problems]
