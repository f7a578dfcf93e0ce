"""ansible-test sanity on the oldest supported core: started with the session, read when all else is done."""

from __future__ import annotations

import subprocess

import pytest

from tests.gates.conftest import Background
from tests.gates.tools import complaints

LIMIT = 1200.0


@pytest.mark.slow
def test_ansible_test_sanity(sanity: Background) -> None:
    try:
        code = sanity.process.wait(timeout=LIMIT)
    except subprocess.TimeoutExpired:
        pytest.fail(f"not done after {LIMIT:.0f} s; its output is in {sanity.log}", pytrace=False)
    if code:
        pytest.fail(complaints(sanity.log.read_text()), pytrace=False)
