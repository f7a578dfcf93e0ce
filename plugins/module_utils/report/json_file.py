# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reports for programs."""

from __future__ import annotations

import json
from typing import Any

from .whole_file import write_whole


def write_json(document: dict[str, Any], path: str) -> str:
    """Write the document to `path` (mode 0644, replaced as a whole); returns the absolute path. OSError."""
    return write_whole(f"{json.dumps(document, indent=1, sort_keys=True)}\n", path, mode=0o644)
