"""The race on the stub: every contender in every round, in another order each time, on an empty store."""

from __future__ import annotations

import json
import random
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .contenders import ROOT, Field, fill, prepare
from .measure import Cost, run
from .objects import objects
from .table import Figures


class UnequalError(RuntimeError):
    """Two contenders did not leave the same objects: their figures cannot be compared."""


class StubProcess:
    """The stub in a process of its own, so that its CPU is not counted."""

    def __init__(self, folder: Path, count: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        words = [sys.executable, "-m", "tests.benchmark.stub", str(folder), str(count)]
        self.process = subprocess.Popen(words, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout
        self.control = socket.create_connection(("127.0.0.1", int(self.process.stdout.readline())))
        self.answers = self.control.makefile("r")
        self.hosts = {
            f"c{number}": {"fabric_kubeconfig": str(folder / f"c{number}.kubeconfig"), "fabric_context": f"c{number}"}
            for number in range(count)
        }

    def ask(self, word: str) -> dict[str, Any]:
        self.control.sendall(f"{word}\n".encode())
        found: dict[str, Any] = json.loads(self.answers.readline())
        return found

    def stop(self) -> None:
        self.control.close()
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait(10)


@contextmanager
def stub(folder: Path, count: int) -> Iterator[StubProcess]:
    made = StubProcess(folder, count)
    try:
        yield made
    finally:
        made.stop()


def race(
    folder: Path,
    collections: str,
    *,
    clusters: int,
    count: int,
    names: list[str],
    rounds: int,
    say: Callable[[str], None],
) -> Figures:
    """Run the contenders ``names`` (of floor, ours, list, loop) and return their figures.

    :raises UnequalError: what two of them left in the clusters differs.
    """
    total = clusters * count
    figures = Figures(f"stub: {clusters} clusters x {count} objects, {rounds} rounds, medians", {})
    with stub(folder, clusters) as server:
        field = prepare(folder, server.hosts, collections)
        fill(field, {host: objects(count, "fabric-bench", "bench") for host in server.hosts})
        reference: dict[str, dict[str, str]] = {}
        for number in range(rounds):
            order = random.sample(names, len(names))
            say(f"{clusters}x{count} round {number + 1} of {rounds}: {', '.join(order)}")
            figures.add("empty play", _run(field, "empty"), 0)
            if "floor" in names:
                figures.add("floor, idle", _run(field, "floor", "--idle"), 0)
                figures.add("ours, idle", _run(field, "idle"), 0)
            for name in order:
                server.ask("reset")
                _note(figures, name, _run(field, name), server, total, reference)
                if name == "ours":  # again, with nothing to do
                    again = _run(field, name)
                    told = server.ask("tell")
                    figures.add("ours, again", again, told["requests"])
                    figures.objects["ours, again"], figures.base["ours, again"] = total, "empty play"
                    if told["writes"]:
                        raise UnequalError(f"a second run of ours wrote {told['writes']} times")
    figures.objects.update(dict.fromkeys(("empty play", "floor, idle", "ours, idle"), total))
    return figures


def _run(field: Field, name: str, *words: str) -> Cost:
    log = field.folder / f"{name}.log"
    command = field.floor(*words) if name == "floor" else field.playbook(name)
    return run(command, field.environment(), log)


def _note(
    figures: Figures, name: str, cost: Cost, server: StubProcess, total: int, reference: dict[str, dict[str, str]]
) -> None:
    told = server.ask("tell")
    digests: dict[str, str] = told["digests"]
    expected = reference.setdefault("digests", digests)
    if digests != expected:
        wrong = [host for host in digests if digests[host] != expected[host]]
        raise UnequalError(f"{name} did not leave the same objects in {', '.join(wrong[:3])}")
    figures.add(name, cost, told["requests"])
    figures.objects[name] = total
    figures.base[name] = "floor, idle" if name == "floor" else "empty play"
