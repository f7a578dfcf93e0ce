# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Importing a part of a large package without paying for the rest of it.

The official client imports its synchronous half, with all of its dependencies, when only the asyncio half is asked
for. The standard library's lazy loader postpones the modules named here until somebody uses them; for everybody else
in this process they are there as ever.
"""

from __future__ import annotations

import gc
import importlib.abc
import importlib.machinery
import importlib.util
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import ModuleType

_NAMES = frozenset(
    [f"kubernetes.{name}" for name in ("config", "dynamic", "informer", "leaderelection", "stream", "utils", "watch")]
    + [f"kubernetes.aio.{name}" for name in ("dynamic", "informer", "leaderelection", "stream", "utils", "watch")]
)


class _Finder(importlib.abc.MetaPathFinder):
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname not in _NAMES:
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path)
        if spec and spec.loader:
            spec.loader = importlib.util.LazyLoader(spec.loader)
        return spec


@contextmanager
def imports() -> Iterator[None]:
    """Within this, the modules named above are imported lazily, and nothing is collected: the modules are to stay."""
    finder = _Finder()
    collecting = gc.isenabled()
    gc.disable()
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
        gc.freeze()  # else the interpreter looks through all of them again at its end
        if collecting:
            gc.enable()
