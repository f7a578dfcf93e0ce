"""Data flows one way: each room of the core imports only rooms to its left."""

from __future__ import annotations

from tests.gates.tools import BIN, BUILD, passes


def test_import_contracts_hold() -> None:
    passes(BIN / "lint-imports", "--no-logo", "--cache-dir", BUILD / "import-linter")
