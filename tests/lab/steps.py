"""Steps: things that take time, each with a name, a time limit, a log, and its duration told at the end."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TextIO

_TAIL_LINES = 25
_PLAIN_INTERVAL = 15.0  # seconds between progress lines where there is no terminal


class StepError(RuntimeError):
    """A step ended badly; the message holds the reason and the end of the log that explains it."""


class Step:
    """One running step. Commands run in it share its log and its time limit."""

    def __init__(self, name: str, limit: float, log: Path) -> None:
        self.name, self.limit, self.log = name, limit, log
        self.started = time.monotonic()
        self.note = ""

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.started

    @property
    def left(self) -> float:
        return max(0.0, self.limit - self.seconds)

    def run(
        self,
        command: Sequence[str],
        *,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        stdin: bytes | IO[bytes] | None = None,
        check: bool = True,
    ) -> int:
        """Runs a command, its output in the step's log. Returns its exit code (always 0 with `check`)."""
        with self.log.open("ab") as log:
            return self._run(command, log, cwd, env, stdin, check)

    def output(
        self, command: Sequence[str], *, env: Mapping[str, str] | None = None, stdin: bytes | None = None
    ) -> str:
        """Runs a command and returns what it printed; its messages go to the step's log."""
        captured = self.log.with_suffix(f".{threading.get_ident()}.out")
        try:
            with captured.open("wb") as out:
                self._run(command, out, None, env, stdin, True)
            return captured.read_text()
        finally:
            captured.unlink(missing_ok=True)

    def wait(self, what: str, ready: object, interval: float = 0.3) -> None:
        """Calls `ready` until it is true, at most until the step's time limit."""
        assert callable(ready)
        while not ready():
            if not self.left:
                raise StepError(f"{self.name}: {what}: not within {self.limit:.0f} s\n{tail(self.log)}")
            time.sleep(interval)

    def write(self, text: str) -> None:
        """Adds a line to the step's log."""
        with self.log.open("a") as log:
            log.write(text.rstrip("\n") + "\n")

    def _run(
        self,
        command: Sequence[str],
        out: IO[bytes],
        cwd: Path | None,
        env: Mapping[str, str] | None,
        stdin: bytes | IO[bytes] | None,
        check: bool,
    ) -> int:
        self.write("+ " + " ".join(command))
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                [*_dies_with_us(), *command],
                cwd=cwd,
                env=env,
                stdout=out,
                stderr=log,
                start_new_session=True,
                stdin=subprocess.PIPE if isinstance(stdin, bytes) else stdin or subprocess.DEVNULL,
            )
            try:
                process.communicate(stdin if isinstance(stdin, bytes) else None, timeout=self.left)
            except BaseException as error:
                _end(process)
                if isinstance(error, subprocess.TimeoutExpired):
                    raise StepError(f"{self.name}: not done within {self.limit:.0f} s\n{tail(self.log)}") from None
                raise
        if check and process.returncode:
            raise StepError(f"{self.name}: {command[0]} ended with {process.returncode}\n{tail(self.log)}")
        return process.returncode


def _dies_with_us() -> list[str]:
    """Words before a command that end it when this process is killed: it is in a session of its own."""
    return ["setpriv", "--pdeathsig", "TERM", "--"] if shutil.which("setpriv") else []


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ends a command and its children: they are a process group of their own."""
    for number, patience in ((signal.SIGTERM, 5), (signal.SIGKILL, 5)):
        try:
            os.killpg(process.pid, number)
            process.wait(patience)
            return
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            continue


def tail(log: Path, lines: int = _TAIL_LINES) -> str:
    """The last lines of a log, indented, under its name."""
    text = log.read_text(errors="replace").splitlines()[-lines:] if log.exists() else []
    return f"--- {log}\n" + "\n".join("    " + line for line in text)


class Steps:
    """Starts steps and shows them. Steps of several threads may run at the same time."""

    def __init__(self, logs: Path, out: TextIO | None = None) -> None:
        self.logs, self.out = logs, out or sys.stderr
        self._running: list[Step] = []
        self._lock = threading.Lock()
        self._terminal = self.out.isatty()
        self._ticker: threading.Thread | None = None

    def say(self, text: str) -> None:
        """Prints one line for good."""
        with self._lock:
            self._print(text)

    @contextmanager
    def step(self, name: str, limit: float) -> Iterator[Step]:
        """Runs its body as a step of at most `limit` seconds; tells how long it took."""
        self.logs.mkdir(parents=True, exist_ok=True)
        step = Step(name, limit, self.logs / (re.sub(r"[^\w.-]+", "-", name) + ".log"))
        step.log.write_text("")
        with self._lock:
            self._running.append(step)
            self._start_ticker()
        try:
            yield step
        except BaseException:
            self._finish(step, "FAILED")
            raise
        self._finish(step, "done")

    def _finish(self, step: Step, word: str) -> None:
        with self._lock:
            self._running.remove(step)
            self._print(f"{step.seconds:6.1f} s  {word:6} {step.name}")

    def _print(self, text: str) -> None:
        self.out.write(("\r\033[K" if self._terminal else "") + text + "\n")
        self.out.flush()

    def _start_ticker(self) -> None:
        if self._ticker is None or not self._ticker.is_alive():
            self._ticker = threading.Thread(target=self._tick, daemon=True)
            self._ticker.start()

    def _tick(self) -> None:
        told = time.monotonic()
        while True:
            time.sleep(0.5)
            with self._lock:
                if not self._running:
                    self._ticker = None
                    return
                line = " | ".join(f"{s.name}{' ' + s.note if s.note else ''} {s.seconds:.0f} s" for s in self._running)
                if self._terminal:
                    self.out.write("\r\033[K" + line[: os.get_terminal_size(self.out.fileno()).columns - 1])
                    self.out.flush()
                elif time.monotonic() - told > _PLAIN_INTERVAL:
                    told = time.monotonic()
                    self._print("   ...     " + line)
