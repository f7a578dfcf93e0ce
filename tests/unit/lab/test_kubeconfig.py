"""Clusters are made at the same time; none of their entries may get lost, and no lock of another may stop one."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import yaml

from tests.lab import kubeconfig


def part(name: str) -> str:
    entry = {"name": f"kind-{name}"}
    return yaml.safe_dump(
        {"clusters": [entry], "contexts": [entry], "users": [entry], "current-context": f"kind-{name}"}
    )


def test_all_parts_are_in_and_only_the_user_may_read(tmp_path: Path) -> None:
    names = ("east", "north", "west")
    target = tmp_path / "kubeconfig"

    def make(name: str) -> None:
        folder = tmp_path / "clusters" / name
        folder.mkdir(parents=True)
        (folder / "kubeconfig").write_text(part(name))
        kubeconfig.write(target, tmp_path / "clusters")

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(make, names))
    whole = yaml.safe_load(target.read_text())
    for kind in ("clusters", "contexts", "users"):
        assert {entry["name"] for entry in whole[kind]} == {f"kind-{name}" for name in names}
    assert whole["current-context"] in {f"kind-{name}" for name in names}
    assert target.stat().st_mode & 0o777 == 0o600


def test_no_cluster_is_no_error(tmp_path: Path) -> None:
    kubeconfig.write(tmp_path / "kubeconfig", tmp_path)
    assert yaml.safe_load((tmp_path / "kubeconfig").read_text())["contexts"] == []
