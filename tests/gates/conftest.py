"""Starts the slowest gate in the background as soon as it is known to be wanted, and asks for its answer last."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.gates.tools import BUILD, ROOT, environment

SANITY = "test_ansible_test_sanity"


@dataclass(frozen=True)
class Background:
    """A running command and the file that its output goes to."""

    process: subprocess.Popen[bytes]
    log: Path


running: list[Background] = []


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.name == SANITY)


def pytest_collection_finish(session: pytest.Session) -> None:
    wanted = any(item.name == SANITY for item in session.items)
    if wanted and not session.config.option.collectonly:
        running.append(start_sanity())


def start_sanity() -> Background:
    BUILD.mkdir(exist_ok=True)
    log = BUILD / "sanity.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.gates.sanity"],
            cwd=ROOT,
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    return Background(process, log)


def pytest_sessionfinish() -> None:
    for command in running:
        if command.process.poll() is None:
            os.killpg(command.process.pid, signal.SIGTERM)
            command.process.wait()


@pytest.fixture
def sanity() -> Background:
    """The run of ansible-test sanity that this session started."""
    return running[0]
