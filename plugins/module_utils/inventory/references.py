# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a host's kubeconfig and context are there, where the inventory file itself names them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from .entries import fault, listed, nearest
from .kubeconfig import Context, read_contexts
from .names import is_template
from .variables import PATH

CONTEXT = "fabric_context"


def check_references(
    hosts: Mapping[str, Mapping[str, Any]], own: Mapping[str, Mapping[str, Any]], places: Mapping[str, str]
) -> None:
    """Refuse a missing kubeconfig or context of each host whose variables set them; templates are left to the run."""
    read: dict[str, dict[str, Context]] = {}
    for host, variables in hosts.items():
        path, context = variables.get(PATH), variables.get(CONTEXT)
        unchanged = all(variables.get(key) == own[host].get(key) for key in (PATH, CONTEXT))
        if unchanged or variables.get("fabric_in_cluster") or not isinstance(path, str) or is_template(path):
            continue
        place = f"{places[host]} ({PATH} of {host})"
        if path not in read:
            read[path] = read_contexts(path.split(os.pathsep), place)
        if isinstance(context, str) and not is_template(context) and context not in read[path]:
            what = f"no context '{context}' in {path}.{nearest(context, read[path])}"
            raise fault(f"{places[host]} ({CONTEXT} of {host})", what, f"the file has: {listed(read[path])}")
