"""Every behaviour has a test, and docs/services.md says which."""

from __future__ import annotations

import re
from pathlib import Path

from tests.integration.running import ROOT

HERE = Path(__file__).parent
NUMBERED = re.compile(r"^(?:async )?def (test_\d\d_\w+)", re.MULTILINE)
ROW = re.compile(r"^\| (\d+) \|.*\| (.*) \|$", re.MULTILINE)


def numbers(name: str) -> set[int]:
    """The behaviours that a test is about: `test_04_to_06_...` and `test_21_and_22_...` are about more than one."""
    first, word, last = re.match(r"test_(\d\d)(?:_(to|and)_(\d\d))?", name).groups()  # type: ignore[union-attr]
    return set(range(int(first), int(last if word else first) + 1)) if word != "and" else {int(first), int(last)}


def test_every_behaviour_has_a_test_that_the_table_names() -> None:
    tests: dict[int, set[str]] = {}
    for path in HERE.glob("test_*.py"):
        for name in NUMBERED.findall(path.read_text()):
            for number in numbers(name):
                tests.setdefault(number, set()).add(path.stem.removeprefix("test_"))
    rows = {int(number): set(where.split(", ")) for number, where in ROW.findall(_page())}
    assert rows == tests
    assert sorted(rows) == list(range(1, 28))


def _page() -> str:
    return (ROOT / "docs" / "services.md").read_text()
