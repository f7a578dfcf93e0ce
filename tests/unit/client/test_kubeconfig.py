from __future__ import annotations

import time
from pathlib import Path

import pytest
import yaml

from ansible_collections.clusterset.fabric.plugins.module_utils.client import kubeconfig, proxy
from ansible_collections.clusterset.fabric.plugins.module_utils.client.access import resolve
from ansible_collections.clusterset.fabric.plugins.module_utils.client.errors import Unreachable
from ansible_collections.clusterset.fabric.plugins.module_utils.client.types import ClusterRef

TOKEN = "t0p-secret"


def write(path: Path, *names: str, current: str = "") -> str:
    content = {
        "clusters": [{"name": n, "cluster": {"server": f"https://{n}.example:6443"}} for n in names],
        "users": [{"name": n, "user": {"token": TOKEN}} for n in names],
        "contexts": [{"name": n, "context": {"cluster": n, "user": n}} for n in names],
    }
    path.write_text(yaml.safe_dump({**content, **({"current-context": current} if current else {})}))
    return str(path)


async def test_many_contexts_of_one_file_are_parsed_once(tmp_path: Path) -> None:
    path = write(tmp_path / "many", *(f"c{number}" for number in range(500)))
    started = time.process_time()
    for number in range(500):
        access = await resolve(ClusterRef(f"c{number}", path, f"c{number}"))
    assert access.server == "https://c499.example:6443"
    assert time.process_time() - started < 1.5


async def test_files_are_merged_and_the_first_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = write(tmp_path / "1", "a"), write(tmp_path / "2", "b", current="b")
    monkeypatch.setenv("KUBECONFIG", f"{first}:{tmp_path / 'absent'}:{second}")
    assert (await resolve(ClusterRef("x"))).server == "https://b.example:6443"
    assert (await resolve(ClusterRef("x", context="a"))).server == "https://a.example:6443"


async def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    path = write(tmp_path / "f", "a", current="a")
    assert (await resolve(ClusterRef("x", path))).server == "https://a.example:6443"
    write(tmp_path / "f", "other", current="other")
    assert (await resolve(ClusterRef("x", path))).server == "https://other.example:6443"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "does not exist"),
        (f"contexts: [{{token: {TOKEN}", "cannot be read"),
        ("just text", "is not a kubeconfig"),
        ("contexts: []", "has no current context"),
        ("current-context: est\ncontexts: [{name: east, context: {}}]", "did you mean 'east'"),
        ("current-context: a\ncontexts: [{name: a, context: {cluster: b}}]\nclusters: []", "clusters"),
        (
            f"current-context: a\ncontexts: [{{name: a, context: {{cluster: b, user: u}}}}]\n"
            f"clusters: [{{name: b, cluster: {{}}}}]\nusers: [{{name: u, user: {{token: {TOKEN}}}}}]",
            "has no server",
        ),
        (
            "current-context: a\ncontexts: [{name: a, context: {cluster: b}}]\n"
            "clusters: [{name: b, cluster: {server: 'https://x', certificate-authority: absent.pem}}]",
            "absent.pem: No such file",
        ),
        (
            "current-context: a\ncontexts: [{name: a, context: {cluster: b}}]\n"
            f"clusters: [{{name: b, cluster: {{server: 'https://x', certificate-authority-data: {TOKEN}x}}}}]",
            "wrong form",
        ),
    ],
)
async def test_bad_kubeconfigs_are_named_without_their_secrets(tmp_path: Path, text: str | None, said: str) -> None:
    path = tmp_path / "config"
    if text is not None:
        path.write_text(text)
    with pytest.raises(Unreachable) as caught:
        await resolve(ClusterRef("east", str(path)))
    assert said in str(caught.value)
    assert str(caught.value).startswith("east: ")
    assert caught.value.fix
    assert TOKEN not in str(caught.value)


async def test_in_cluster_outside_of_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    with pytest.raises(Unreachable, match="no in-cluster configuration"):
        await resolve(ClusterRef("here", in_cluster=True))


def test_the_parser_prefers_json() -> None:
    assert kubeconfig.parse_text('{"a": 1}') == {"a": 1}
    assert kubeconfig.parse_text("{a: 1}") == {"a": 1}


@pytest.mark.parametrize(
    ("server", "exceptions", "used"),
    [
        ("https://api.example:6443", "", True),
        ("https://api.example:6443", ".example", False),
        ("https://api.example:6443", "api.example:443", True),
        ("https://10.1.2.3:6443", "10.0.0.0/8", False),
        ("https://10.1.2.3:6443", "192.168.0.0/16,localhost", True),
        ("https://127.0.0.1:6443", "", False),
        ("https://api.example:6443", "*", False),
    ],
)
def test_the_environments_proxy(monkeypatch: pytest.MonkeyPatch, server: str, exceptions: str, used: bool) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy:3128")
    monkeypatch.setenv("NO_PROXY", exceptions)
    assert proxy.from_environment(server) == ("http://proxy:3128" if used else None)
