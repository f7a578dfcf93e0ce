# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""YAML and JSON texts that live inside Kubernetes objects, and whole manifests."""

from __future__ import annotations

import json
from typing import Any

from ..client._lib import yaml

# libyaml's loader is eight times faster than the pure Python one: 0.2 s for the largest manifest known (3 MB).
_LOADER: Any = getattr(yaml, "CSafeLoader", getattr(yaml, "SafeLoader", None))


def yaml_documents(text: str) -> list[Any]:
    """All non-empty documents of ``text``.

    :raises ValueError: the text is no YAML; the message names line and column.
    """
    try:
        return [document for document in yaml.load_all(text, Loader=_LOADER) if document is not None]
    except yaml.YAMLError as error:
        raise ValueError(" ".join(str(error).split())) from error


def mapping(text: str) -> dict[str, Any]:
    """The one mapping in a YAML or JSON text; {} where there is none (an absent or damaged ConfigMap entry)."""
    if not text.strip():
        return {}
    try:
        value = json.loads(text)
    except ValueError:
        try:
            documents = yaml_documents(text)
        except ValueError:
            return {}
        value = documents[0] if documents else {}
    return value if isinstance(value, dict) else {}


def mappings(text: str) -> list[dict[str, Any]]:
    """All mappings of a text of several YAML documents; [] for an absent or damaged one."""
    try:
        return [document for document in yaml_documents(text or "") if isinstance(document, dict)]
    except ValueError:
        return []
