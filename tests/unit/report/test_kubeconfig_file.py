"""The kubeconfig of a holder: what is in it, whose file it is, and when it goes."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from ansible_collections.clusterset.fabric.plugins.module_utils.apply.holders import Access, faults
from ansible_collections.clusterset.fabric.plugins.module_utils.errors import FabricError
from ansible_collections.clusterset.fabric.plugins.module_utils.report import kubeconfig_file

WEST = Access("https://west:6443", "PEM", "kubernetes", "t0ken", "2026-01-01T00:00:00Z")
EAST = Access("https://east:6443", "", token="other")


def test_contexts_are_cluster_ids_and_the_file_is_private(tmp_path: Path) -> None:
    path = kubeconfig_file.write("ada", {"west": WEST, "east": EAST}, str(tmp_path / "new" / "ada.yml"))
    assert Path(path).stat().st_mode & 0o777 == 0o600
    document = yaml.safe_load(Path(path).read_text())
    assert document["current-context"] == "east"
    assert document["clusters"][0] == {"name": "east", "cluster": {"server": "https://east:6443"}}
    trusted = {"server": "https://west:6443", "certificate-authority-data": "UEVN", "tls-server-name": "kubernetes"}
    assert document["clusters"][1] == {"name": "west", "cluster": trusted}
    assert document["contexts"][1] == {"name": "west", "context": {"cluster": "west", "user": "ada@west"}}
    assert document["users"][1] == {"name": "ada@west", "user": {"token": "t0ken"}}
    assert [each.name for each in Path(path).parent.iterdir()] == ["ada.yml"]
    assert "t0ken" not in repr(WEST)


def test_a_path_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FabricError, match=r"file/ada.yml cannot be written \(.+\), and nobody has the tokens"):
        kubeconfig_file.write("ada", {"west": WEST}, str(tmp_path / "file" / "ada.yml"))


@pytest.mark.parametrize("text", ["mine: true", "[]", "extensions: [1]", "a: [", "\x00"])
def test_a_file_of_somebody_else_is_left_alone(tmp_path: Path, text: str) -> None:
    path = tmp_path / "config"
    kubeconfig_file.check_path(str(path))
    path.write_text(text)
    with pytest.raises(FabricError, match="is no file of ours"):
        kubeconfig_file.check_path(str(path))
    assert kubeconfig_file.discard(str(path), ["west"], check=False) == []
    assert path.read_text() == text


def test_the_file_goes_with_the_last_access_in_it(tmp_path: Path) -> None:
    path = kubeconfig_file.write("ada", {"west": WEST, "east": EAST}, str(tmp_path / "ada.yml"))
    kubeconfig_file.check_path(path)
    assert kubeconfig_file.discard(path, ["west"], check=False) == ["east"]
    assert kubeconfig_file.discard(path, ["west", "east"], check=True) == []
    assert Path(path).exists()
    assert kubeconfig_file.discard(path, ["west", "east"], check=False) == []
    assert not Path(path).exists()
    assert kubeconfig_file.discard(path, ["west"], check=False) == []


def test_each_fault_of_a_wish_is_named() -> None:
    assert not faults("ada-2", "system:aggregate-to-view", 168)
    for name in ("", "Ada", "-a", "a" * 54, "a/b", "a.b"):
        assert [str(each) for each in faults(name, "view", 1) if f"{name!r} is no name" in str(each)], name
    for role in ("", "a/b", "..", "a b", "%2f"):
        assert [str(each) for each in faults("ada", role, 1) if f"{role!r} is no name of a ClusterRole" in str(each)]
    for hours in (0, -1, 169):
        (fault,) = faults("ada", "view", hours)
        assert str(fault).startswith(f"fabric_kubeconfig_hours: {hours} is out of range. Fix: choose from 1 to 168")
