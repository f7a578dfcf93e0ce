"""Parts that run beside the clusters: the relay, background processes, the OCI runtime's trimming, stored state."""

from __future__ import annotations

import asyncio
import json
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.lab import machine, process, relay
from tests.lab.paths import FILES
from tests.lab.state import State, only_one


async def test_the_relay_carries_both_ways_and_ends_with_either_side(monkeypatch: pytest.MonkeyPatch) -> None:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write((await reader.read()).upper())
        writer.close()

    far = await asyncio.start_server(echo, "127.0.0.1", 0)
    port = far.sockets[0].getsockname()[1]
    here = socket.create_server(("127.0.0.1", 0))
    monkeypatch.setattr(relay, "_relay", lambda _port, r, w, real=relay._relay: real(port, r, w))
    task = asyncio.create_task(relay.serve([here]))
    reader, writer = await asyncio.open_connection(*here.getsockname())
    writer.write(b"x" * 1_000_000)
    writer.write_eof()
    assert await reader.read() == b"X" * 1_000_000
    writer.close()
    far.close()
    reader, writer = await asyncio.open_connection(*here.getsockname())
    with pytest.raises(ConnectionResetError):  # a cluster that is down must not look like a clean end
        await reader.read()
    writer.close()
    task.cancel()


def test_a_process_is_known_by_more_than_its_number(tmp_path: Path) -> None:
    identity = process.start(["sleep", "60"], tmp_path / "log")
    assert process.alive(identity)
    assert not process.alive([identity[0], identity[1] - 1])
    process.stop([identity[0], identity[1] - 1])
    assert process.alive(identity), "another process of the same number is left alone"
    process.stop(identity)
    assert not process.alive(identity)


def trimmed(tmp_path: Path, words: list[str], document: dict[str, object], name: str) -> dict[str, object]:
    """What the runtime hands to runc: a stand-in called `runc` ends at once."""
    (tmp_path / name).write_text(json.dumps(document))
    shutil.copy("/bin/true", tmp_path / "runc")
    subprocess.run([sys.executable, FILES / "runtime", *words], env={"PATH": str(tmp_path)}, check=True)
    result: dict[str, object] = json.loads((tmp_path / name).read_text())
    return result


def test_the_runtime_takes_out_what_nobody_here_can_give(tmp_path: Path) -> None:
    status = Path("/proc/self/status").read_text()
    mask = next(int(line.split()[1], 16) for line in status.splitlines() if line.startswith("CapBnd:"))
    expected = ["CAP_CHOWN"] if mask & 1 else []
    wanted = {"capabilities": {"bounding": ["CAP_CHOWN", "CAP_NOBODY_HAS_THIS"]}, "cwd": "/"}
    kept = {"capabilities": {"bounding": expected}, "cwd": "/"}
    create = ["--root", "/r", "create", "--bundle", str(tmp_path), "id"]
    assert trimmed(tmp_path, create, {"process": wanted, "root": {}}, "config.json") == {"process": kept, "root": {}}
    assert trimmed(tmp_path, ["exec", f"--process={tmp_path}/p.json", "id"], wanted, "p.json") == kept


def test_state_is_kept_and_entries_can_go(tmp_path: Path) -> None:
    state = State(tmp_path / "state.json")
    state.set("mode", "build")
    state.merge("ports", "east", 1)
    state.merge("ports", "west", 2)
    state.merge("ports", "east", None)
    state.set("mode", None)
    assert State(tmp_path / "state.json").data == {"ports": {"west": 2}}


def test_two_at_once_are_refused(tmp_path: Path) -> None:
    with only_one(tmp_path / "lock"), pytest.raises(RuntimeError, match="at work"), only_one(tmp_path / "lock"):
        pass


def test_a_raised_limit_is_put_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "_SYSCTL", tmp_path)
    setting = tmp_path / "fs/inotify/max_user_instances"
    setting.parent.mkdir(parents=True)
    setting.write_text("128\n")
    state = State(tmp_path / "state.json")
    machine.raise_limits(state, 7)
    machine.raise_limits(state, 20)
    assert int(setting.read_text()) > 900
    machine.put_back(State(tmp_path / "state.json"))
    assert int(setting.read_text()) == 128
    machine.raise_limits(State(tmp_path / "state.json"), 0)
