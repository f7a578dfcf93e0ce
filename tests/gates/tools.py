"""What the gates share: running a tool of the venv, and a clean copy of the tree for tools that need one."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / ".build"
BIN = Path(sys.executable).parent
SECOND = ROOT / ".venv-2.21"


def environment(**extra: str) -> dict[str, str]:
    """The environment that the Makefile gives every tool, so that a gate also runs alone."""
    here = os.environ.copy()
    here["PATH"] = f"{BIN}{os.pathsep}{here['PATH']}"
    here["PYTHONPATH"] = os.pathsep.join(str(ROOT / part) for part in (".build/collections", "agent", "."))
    here["ANSIBLE_COLLECTIONS_PATH"] = str(BUILD / "collections")
    here.update(extra)
    return here


def complaints(output: str) -> str:
    """The lines by which ansible-test says what is wrong, or all lines where there are none."""
    lines = [line for line in output.splitlines() if line.startswith(("ERROR", "FATAL"))]
    return "\n".join(lines) or output


def passes(
    *command: str | Path,
    cwd: Path = ROOT,
    limit: float = 300,
    digest: Callable[[str], str] = str,
    **extra: str,
) -> str:
    """Run a command; its output, through the digest, is the message of the failure. Returns the output."""
    words = [str(part) for part in command]
    process = subprocess.Popen(
        words,
        cwd=cwd,
        env=environment(**extra),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        output = process.communicate(timeout=limit)[0]
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)  # with the processes that it started
        pytest.fail(f"{' '.join(words)}: not done after {limit:.0f} s\n{process.communicate()[0]}", pytrace=False)
    if process.returncode:
        pytest.fail(f"{' '.join(words)}: exit code {process.returncode}\n{digest(output)}", pytrace=False)
    return output


def own_files(root: Path = ROOT) -> list[Path]:
    """Every file that git tracks or would track, relative to the root."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=root,
        check=True,
        capture_output=True,
    )
    names = sorted(set(listed.stdout.decode().split("\0")) - {""})
    return [Path(name) for name in names if (root / name).is_file()]


def clean_copy(name: str) -> Path:
    """A copy of our own files where Ansible's tools expect a collection, as a git work tree of its own.

    It is kept between runs (ansible-test caches its environments in it) and holds exactly the files of now.
    """
    base = BUILD / name
    target = base / "ansible_collections" / "clusterset" / "fabric"
    target.mkdir(parents=True, exist_ok=True)
    if not (target / ".git").is_dir():
        subprocess.run(["git", "init", "--quiet", target], check=True, capture_output=True)
    wanted = own_files()
    for gone in set(own_files(target)) - set(wanted):
        (target / gone).unlink()
    for path in wanted:
        copy = target / path
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / path, copy)
    return target
