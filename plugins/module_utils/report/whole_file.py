# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files for programs and people: a whole file or none."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def write_whole(text: str, path: str, *, mode: int) -> str:
    """Write the text to `path`, which is replaced as a whole; returns the absolute path. OSError.

    Nobody but this user can read it at any moment, unless `mode` says otherwise at the end.
    """
    target = Path(path).expanduser().absolute()
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, draft = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        Path(draft).chmod(mode)
        Path(draft).replace(target)
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise
    return str(target)
