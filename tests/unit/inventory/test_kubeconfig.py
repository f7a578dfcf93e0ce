"""Which contexts are found, and which file opens each."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ansible_collections.clusterset.fabric.plugins.module_utils.errors import FabricError
from ansible_collections.clusterset.fabric.plugins.module_utils.inventory import kind
from ansible_collections.clusterset.fabric.plugins.module_utils.inventory.kubeconfig import (
    find,
    read_contexts,
    search_path,
)
from tests.unit.inventory.conftest import Write
from tests.unit.inventory.samples import kubeconfig, secrets


def test_patterns_and_names(lab: Path, tmp_path: Path) -> None:
    source = {
        "kubeconfig": "kubeconfig",
        "contexts": ["kind-*", "pr?d", "kind-east"],
        "strip_prefix": "kind-",
        "strip_suffix": "st",
        "names": {"prod": "lisbon"},
    }
    found = find(source, "sources[0]", str(tmp_path))
    assert [cluster.name for cluster in found] == ["ea", "we", "lisbon"]
    assert found[2].own == {"fabric_kubeconfig": str(lab), "fabric_context": "prod"}
    assert not any(secret in repr(found) for secret in secrets())


def test_where_paths_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/somewhere")
    monkeypatch.setenv("CREDENTIALS", "/run/credentials")
    monkeypatch.delenv("KUBECONFIG", raising=False)
    assert search_path("a/../b", "/inventory", "") == ["/inventory/b"]
    assert search_path(["~/x", "$CREDENTIALS/y"], "/inventory", "") == ["/somewhere/x", "/run/credentials/y"]
    assert search_path(True, "/inventory", "") == ["/somewhere/.kube/config"]
    monkeypatch.setenv("KUBECONFIG", f"/one{os.pathsep}two")
    assert search_path(True, "/inventory", "") == ["/one", str(Path.cwd() / "two")]


def test_several_files_are_joined_as_kubectl_does(write: Write) -> None:
    """The first file that has a name wins; a context that needs another file is opened with all of them."""
    one, two = kubeconfig("shared", "alone"), kubeconfig("shared", "split", "own")
    two["clusters"] = [item for item in two["clusters"] if item["name"] != "split"]
    one["clusters"].append({"name": "split", "cluster": {"server": "https://127.0.0.1:2"}})
    first, second = str(write("one", one)), str(write("two", two))
    contexts = read_contexts([first, "/absent", second], "here")
    paths = {name: context.path for name, context in contexts.items()}
    assert paths == {
        "shared": first,
        "alone": first,
        "split": f"{first}{os.pathsep}{second}",
        "own": second,
    }


def test_broken_entries_are_passed_over(write: Write) -> None:
    path = write("odd", {"contexts": [{"name": "a", "context": None}, {"name": 3}, "x", None], "users": None})
    assert list(read_contexts([str(path)], "here")) == ["a"]


def test_an_unreadable_file_is_named_without_its_text(write: Write) -> None:
    path = write("kubeconfig", "users: [{token: 5ecret-token\n- x")
    with pytest.raises(FabricError) as caught:
        read_contexts([str(path)], "sources[0].kubeconfig")
    assert str(path) in str(caught.value)
    assert "5ecret" not in str(caught.value)


def test_kind_takes_only_what_kind_wrote(write: Write, tmp_path: Path) -> None:
    """A context that merely begins with kind- but leads elsewhere is none of kind's."""
    data = kubeconfig("kind-east", "kind-west", "prod", "kind-of-production")
    data["contexts"][-1]["context"]["cluster"] = "prod"
    write("kubeconfig", data)
    source = {"kind": True, "kubeconfig": "kubeconfig"}
    assert [cluster.name for cluster in kind.find(source, "", str(tmp_path))] == ["east", "west"]
    assert [cluster.name for cluster in kind.find(source | {"kind": "w*"}, "", str(tmp_path))] == ["west"]
    assert kind.find(source | {"kind": False}, "", str(tmp_path)) == []


def test_kind_searches_where_kubectl_does(lab: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", str(lab))
    assert [cluster.name for cluster in kind.find({"kind": True}, "", "/nowhere")] == ["east", "west"]
