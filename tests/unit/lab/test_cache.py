"""Built things are found again exactly as long as what they are made from is the same."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.lab.cache import Cache, digest


def tree(root: Path, **files: str) -> Path:
    root.mkdir(exist_ok=True)
    for name, text in files.items():
        (root / name).write_text(text)
    return root


def test_a_digest_sees_content_names_order_and_the_right_to_run(tmp_path: Path) -> None:
    folder = tree(tmp_path / "a", one="1", two="2")
    before = digest("x", folder)
    assert digest("x", tree(tmp_path / "b", one="1", two="2")) == before
    assert digest(folder, "x") != before
    assert digest("x", tree(tmp_path / "c", one="1", three="2")) != before
    (folder / "one").chmod(0o755)
    assert digest("x", folder) != before


def test_a_thing_is_built_once(tmp_path: Path) -> None:
    cache, calls = Cache(tmp_path), []

    def build(target: Path) -> None:
        calls.append(target)
        target.write_text("built")

    assert cache.get("thing", "key", build) == cache.get("thing", "key", build)
    assert len(calls) == 1
    assert cache.path("thing", "key").read_text() == "built"


def test_a_failed_build_leaves_nothing_behind(tmp_path: Path) -> None:
    def build(target: Path) -> None:
        target.write_text("half")
        raise RuntimeError("no")

    cache = Cache(tmp_path)
    with pytest.raises(RuntimeError):
        cache.get("thing", "key", build)
    assert not cache.path("thing", "key").exists()
    assert [path.name for path in tmp_path.iterdir()] == [".lock-thing"]


def test_old_things_make_room(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    for number in range(4):
        path = cache.get(f"image-{number}", "key", lambda target: target.touch())
        os.utime(path, (number, number))
    cache.keep_newest("image-", 2)
    assert sorted(path.name for path in tmp_path.glob("image-*")) == ["image-2-key", "image-3-key"]
