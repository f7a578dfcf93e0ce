"""A step tells how long it took, ends in time, and shows the log that explains its failure."""

from __future__ import annotations

import io
import time
from pathlib import Path

import pytest

from tests.lab.steps import StepError, Steps


@pytest.fixture
def steps(tmp_path: Path) -> Steps:
    return Steps(tmp_path / "logs", io.StringIO())


def told(steps: Steps) -> str:
    assert isinstance(steps.out, io.StringIO)
    return steps.out.getvalue()


def test_a_step_tells_its_name_and_its_time(steps: Steps) -> None:
    with steps.step("make tea", 5) as step:
        assert step.output(["echo", "hot"]) == "hot\n"
    assert "s  done   make tea" in told(steps)


def test_a_failure_shows_the_end_of_the_log(steps: Steps) -> None:
    with pytest.raises(StepError, match=r"(?s)ended with 3.*the reason"), steps.step("fail", 5) as step:
        step.run(["sh", "-c", "echo the reason; exit 3"])
    assert "FAILED fail" in told(steps)


def test_a_step_ends_in_time_with_all_its_children(steps: Steps, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    started = time.monotonic()
    with pytest.raises(StepError, match=r"not done within"), steps.step("hang", 0.3) as step:
        step.run(["sh", "-c", f"(sleep 1; touch {mark}) & wait"])
    assert time.monotonic() - started < 3
    time.sleep(1)
    assert not mark.exists()


def test_waiting_ends_in_time(steps: Steps) -> None:
    with pytest.raises(StepError, match="tea is not ready"), steps.step("wait", 0.2) as step:
        step.wait("tea is not ready", lambda: False, 0.05)


def test_commands_share_the_time_of_their_step(steps: Steps) -> None:
    with steps.step("two", 0.5) as step:
        step.run(["sleep", "0.3"])
        with pytest.raises(StepError):
            step.run(["sleep", "5"])


def test_input_reaches_the_command(steps: Steps) -> None:
    with steps.step("cat", 5) as step:
        assert step.output(["cat"], stdin=b"words") == "words"
