"""Files to try things on, in a test's own folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit.inventory.samples import kubeconfig

Write = Callable[[str, Any], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write text, or data as YAML, to a file of the test's own folder."""

    def _write(name: str, data: Any) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(data if isinstance(data, str) else yaml.safe_dump(data, sort_keys=False))
        return path

    return _write


@pytest.fixture
def lab(write: Write) -> Path:
    """A kubeconfig with the contexts kind-east, kind-west, prod."""
    return write("kubeconfig", kubeconfig("kind-east", "kind-west", "prod"))
