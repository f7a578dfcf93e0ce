"""Limits for tests that hang, and what several folders share: the lab, and API servers without nodes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.apiservers.servers import Server, program, servers
from tests.integration.running import ROOT, RunningLab, lab_home

UNIT = Path(__file__).parent / "unit"
UP_LIMIT = 40 * 60.0


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Unit tests have a minute, any other test the limit in pyproject.toml. What needs the lab comes last."""
    for item in items:
        if UNIT in item.path.parents:
            item.add_marker(pytest.mark.timeout(60))
        elif "lab" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.lab)
    items.sort(key=lambda item: item.get_closest_marker("lab") is not None)


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


@pytest.fixture(scope="session")
def clusters(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Server]]:
    """East, north and west: real API servers, empty at the beginning of the session."""
    try:
        program("kubernetes")
        program("etcd")
    except OSError as error:
        pytest.skip(str(error))
    with servers(tmp_path_factory.mktemp("apiservers"), ("east", "north", "west")) as made:
        yield made
