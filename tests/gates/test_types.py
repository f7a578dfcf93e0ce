"""The core, the agent and the lab are fully typed."""

from __future__ import annotations

import pytest

from tests.gates.tools import BIN, ROOT, passes

CORE = ".build/collections/ansible_collections/clusterset/fabric/plugins/module_utils"


@pytest.mark.parametrize("part", [CORE, "agent/clusterset_agent", "tests/lab"])
def test_mypy_is_content(part: str) -> None:
    if not any((ROOT / part).glob("**/*.py")):
        pytest.skip(f"{part} holds no Python yet")
    passes(BIN / "mypy", "--strict", part)
