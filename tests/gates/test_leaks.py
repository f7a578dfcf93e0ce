"""The tree names no machine, no registry, no tool that made it, and holds no credential."""

from __future__ import annotations

import re

import pytest

from tests.gates.tools import ROOT, own_files

# Each pattern is written so that it does not match its own line.
FORBIDDEN = {
    "a path of one machine": r"(?<![\w.:/-])/(?:work|root|home/\w+)/",
    "a package registry's host": r"https?://(?:deb|proxy|registry|files|repo1?|index|static|sum|pypi|security)\.[a-z]",
    "a private key": r"-----BEGIN [A-Z ]*PRIVATE KEY-----\n[A-Za-z0-9+/]{20}",
    "a bearer token": r"\beyJ[A-Za-z0-9_-]{20,}\.eyJ[A-Za-z0-9_-]{20,}",
    "a note to oneself": r"\b(?:TO" r"DO|FIX" r"ME|XX" r"X)\b",
    "a conflict marker": r"^<{7} |^>{7} ",
}
EXEMPT = {"COPYING"}


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_file_holds(what: str) -> None:
    pattern = re.compile(FORBIDDEN[what], re.MULTILINE)
    found = []
    for path in own_files():
        if str(path) in EXEMPT or path.suffix in {".png", ".sum"}:
            continue
        text = (ROOT / path).read_text(errors="replace")
        found += [
            f"{path}:{text.count(chr(10), 0, match.start()) + 1}: {match[0]!r}" for match in pattern.finditer(text)
        ]
    assert not found, "\n".join(found)
