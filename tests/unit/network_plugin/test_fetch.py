"""Getting manifests: local ones, downloaded ones, and those that are not what they should be."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from ansible_collections.clusterset.fabric.plugins.module_utils.errors import FabricError
from ansible_collections.clusterset.fabric.plugins.module_utils.model.types import ManifestSource
from ansible_collections.clusterset.fabric.plugins.module_utils.objects.network_plugin import fetch

TEXT = "kind: Namespace\n"
DIGEST = hashlib.sha256(TEXT.encode()).hexdigest()
URL = "https://example.test/kube-flannel.yml"


async def load(source: ManifestSource | None, cache: Path, version: str = "v0.28.9") -> str:
    return await fetch.load_manifest(
        source, plugin="flannel", version=version, kubernetes_version="v1.36.3", cluster="east", cache=cache
    )


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Downloads answer TEXT and are listed; nothing leaves the machine."""
    asked: list[str] = []

    async def download(url: str) -> bytes:
        asked.append(url)
        return TEXT.encode()

    monkeypatch.setattr(fetch, "_download", download)
    return asked


async def test_a_local_file(tmp_path: Path) -> None:
    file = tmp_path / "flannel.yml"
    file.write_text(TEXT)
    assert await load(ManifestSource(path=str(file)), tmp_path) == TEXT
    assert await load(ManifestSource(path=str(file), sha256=DIGEST.upper()), tmp_path) == TEXT


async def test_a_folder_is_read_in_the_order_of_names(tmp_path: Path) -> None:
    for name, text in (("2.yaml", "b: 1"), ("1.yml", "a: 1"), ("notes.txt", "no")):
        (tmp_path / name).write_text(text)
    assert await load(ManifestSource(path=str(tmp_path)), tmp_path) == "a: 1\n---\nb: 1"


async def test_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FabricError, match="cannot be read: No such file") as caught:
        await load(ManifestSource(path=str(tmp_path / "absent.yml")), tmp_path)
    assert caught.value.cluster == "east"
    with pytest.raises(FabricError, match="holds no manifest"):
        await load(ManifestSource(path=str(tmp_path)), tmp_path)


async def test_a_download_is_kept_by_its_digest(tmp_path: Path, network: list[str]) -> None:
    source = ManifestSource(url=URL, sha256=DIGEST)
    assert await load(source, tmp_path / "cache") == TEXT
    assert await load(source, tmp_path / "cache") == TEXT
    assert network == [URL]


async def test_a_damaged_copy_is_fetched_again(tmp_path: Path, network: list[str]) -> None:
    (tmp_path / DIGEST).write_text("damaged")
    assert await load(ManifestSource(url=URL, sha256=DIGEST), tmp_path) == TEXT
    assert network == [URL]
    assert (tmp_path / DIGEST).read_text() == TEXT


async def test_another_content_names_both_digests_and_is_not_kept(tmp_path: Path, network: list[str]) -> None:
    with pytest.raises(FabricError) as caught:
        await load(ManifestSource(url=URL, sha256="0" * 64), tmp_path)
    assert DIGEST in str(caught.value)
    assert "0" * 64 in str(caught.value)
    assert not list(tmp_path.iterdir())


async def test_a_local_file_with_another_digest(tmp_path: Path) -> None:
    (tmp_path / "m.yml").write_text(TEXT)
    with pytest.raises(FabricError, match=DIGEST):
        await load(ManifestSource(path=str(tmp_path / "m.yml"), sha256="1" * 64), tmp_path)


@pytest.mark.parametrize("url", ["http://example.test/a.yml", "file:///etc/passwd", ""])
async def test_only_https(url: str, tmp_path: Path, network: list[str]) -> None:
    with pytest.raises(FabricError, match="is not fetched"):
        await load(ManifestSource(url=url, sha256=DIGEST), tmp_path)
    assert network == []


async def test_an_url_needs_a_digest(tmp_path: Path, network: list[str]) -> None:
    with pytest.raises(FabricError, match="has no sha256"):
        await load(ManifestSource(url=URL), tmp_path)
    assert network == []


async def test_the_default_is_the_official_file(tmp_path: Path, network: list[str]) -> None:
    with pytest.raises(FabricError, match="not the expected e875824b"):
        await load(None, tmp_path, version="")
    assert network == ["https://raw.githubusercontent.com/flannel-io/flannel/v0.28.9/Documentation/kube-flannel.yml"]


async def test_a_server_that_does_not_answer_is_named(tmp_path: Path) -> None:
    with pytest.raises(FabricError, match=r"https://127\.0\.0\.1:9/x cannot be fetched") as caught:
        await load(ManifestSource(url="https://127.0.0.1:9/x", sha256=DIGEST), tmp_path)
    assert "path" in caught.value.fix
