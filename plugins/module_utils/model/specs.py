# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The known ``fabric_*`` variables, read from the roles' own argument specifications."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from ..inventory._lib import parse_yaml

ROLES = Path(__file__).resolve().parents[3] / "roles"


@dataclass(frozen=True)
class VariableSpec:
    """Type, default and choices of one variable, as ``meta/argument_specs.yml`` states them."""

    name: str
    type: str = "str"
    elements: str = ""
    default: Any = None
    choices: tuple[Any, ...] = ()
    required: bool = False


@lru_cache(maxsize=1)
def known_variables() -> Mapping[str, VariableSpec]:
    """Every option of every role's entry points, by name (first role in alphabetical order wins)."""
    known: dict[str, VariableSpec] = {}
    for path in sorted(ROLES.glob("*/meta/argument_specs.yml")):
        document = parse_yaml(path.read_text(encoding="utf-8"))
        for entry in document["argument_specs"].values():
            for name, option in (entry.get("options") or {}).items():
                known.setdefault(name, _spec(name, option))
    return known


def _spec(name: str, option: Mapping[str, Any]) -> VariableSpec:
    return VariableSpec(
        name=name,
        type=option.get("type", "str"),
        elements=option.get("elements", ""),
        default=option.get("default"),
        choices=tuple(option.get("choices", ())),
        required=bool(option.get("required", False)),
    )
