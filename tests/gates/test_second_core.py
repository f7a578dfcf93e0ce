"""The newest ansible-core on a newer Python: the same unit tests, and those of its sanity tests that differ by core."""

from __future__ import annotations

import sys

import pytest

from tests.gates.tools import SECOND, complaints, passes

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not (SECOND / "bin" / "python").exists(),
        reason="no Python >= 3.12 on this machine, so ansible-core 2.21 cannot be installed (.ci/bootstrap second)",
    ),
]


def test_unit_tests_pass_on_the_newest_core() -> None:
    output = passes(SECOND / "bin" / "python", "-m", "pytest", "tests/unit", "-q", "-n", "2", limit=600)
    assert " passed" in output


def test_sanity_that_differs_by_core() -> None:
    tests = ("ansible-doc", "validate-modules", "runtime-metadata", "action-plugin-docs")
    passes(sys.executable, "-m", "tests.gates.sanity", "--second", *tests, limit=600, digest=complaints)
