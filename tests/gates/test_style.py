"""One style everywhere: ruff's checks and its formatting."""

from __future__ import annotations

from tests.gates.tools import BIN, passes


def test_ruff_finds_nothing() -> None:
    passes(BIN / "ruff", "check", ".")


def test_ruff_would_format_nothing() -> None:
    passes(BIN / "ruff", "format", "--check", ".")
