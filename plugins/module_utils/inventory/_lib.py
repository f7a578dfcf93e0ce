# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The third-party libraries of this room, guarded: the import of a core file never fails for want of one."""

from __future__ import annotations

from typing import Any

from ..errors import FabricError

try:
    import yaml
except ImportError:  # pragma: no cover - ansible-core itself needs PyYAML
    yaml = None  # type: ignore[assignment]

try:
    import jmespath
except ImportError:
    jmespath = None


def parse_yaml(text: str) -> Any:
    """Plain data of one YAML document, by the C loader where it exists (about 10x faster).

    Raises ValueError with line and reason, but without the text of the file, which may be a credential.
    """
    if yaml is None:
        raise FabricError("PyYAML is not installed.", fix="pip install PyYAML")
    try:
        return yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f"line {mark.line + 1}: " if mark else ""
        raise ValueError(f"{line}{getattr(error, 'problem', None) or type(error).__name__}") from None


def compile_jmespath(expression: str) -> Any:
    """A compiled JMESPath expression; raises ValueError with the parser's reason."""
    if jmespath is None:
        raise FabricError("The library jmespath is not installed.", fix="pip install jmespath, or unset cluster_groups")
    return jmespath.compile(expression)
