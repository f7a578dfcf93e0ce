"""Long-running processes of the lab: each in a session of its own, known by id and start time, ended by id only."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path


def start_time(pid: int) -> int | None:
    """When a process started (clock ticks after boot), or None if there is no such process."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] == "Z" else int(fields[19])


def start(command: Sequence[str], log: Path) -> list[int]:
    """Starts a process in the background. Returns [pid, start time], which no later process shares."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as out:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True, cwd="/"
        )
    return [process.pid, start_time(process.pid) or 0]


def alive(identity: Sequence[int] | None) -> bool:
    """Whether the very process that `start` returned still runs."""
    return bool(identity) and identity is not None and start_time(identity[0]) == identity[1]


def stop(identity: Sequence[int] | None, patience: float = 30.0) -> None:
    """Ends a process: asks first, insists after `patience` seconds."""
    for number, seconds in ((signal.SIGTERM, patience), (signal.SIGKILL, 5.0)):
        if not alive(identity) or identity is None:
            return
        os.kill(identity[0], number)
        until = time.monotonic() + seconds
        while alive(identity) and time.monotonic() < until:
            _reap(identity[0])
            time.sleep(0.1)


def _reap(pid: int) -> None:
    with contextlib.suppress(ChildProcessError):  # started by an earlier run: not our child
        os.waitpid(pid, os.WNOHANG)
