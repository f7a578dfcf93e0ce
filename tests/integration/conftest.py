"""Brings the lab up for the tests that need it, with the agent's image in it, and takes down what it brought up."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.running import ROOT, RunningLab, lab_home

UP_LIMIT = 40 * 60.0
HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents and "lab" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.lab)


def lab_command(*words: str, limit: float) -> int:
    """`make <target>`-like calls whose progress a person wants to see."""
    return subprocess.run(words, cwd=ROOT, stdin=subprocess.DEVNULL, timeout=limit, check=False).returncode


@pytest.fixture(scope="session")
def lab(pytestconfig: pytest.Config) -> Iterator[RunningLab]:
    """The lab with its default clusters; found running, or brought up and taken down again at the end."""
    if os.geteuid() != 0 and not shutil.which("docker"):
        pytest.skip("the lab needs root, or Docker and kind")
    was_up = (lab_home() / "state.json").exists() and lab_home().joinpath("kubeconfig").exists()
    capture = pytestconfig.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled():
        print("\n", flush=True)
        code = lab_command("make", "--no-print-directory", "lab", "agent-image", limit=UP_LIMIT)
    if code:
        pytest.fail(f"make lab agent-image: exit code {code}; the reason stands above and in .lab/logs", pytrace=False)
    yield RunningLab(lab_home() / "kubeconfig")
    if not was_up and not os.environ.get("KEEP_LAB"):
        with capture.global_and_fixture_disabled():
            lab_command(sys.executable, "-m", "tests.lab", "down", limit=600)
