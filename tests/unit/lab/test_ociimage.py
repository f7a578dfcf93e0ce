"""Image archives: one layer stored once, names as the engines look for them, the same bytes for the same input."""

from __future__ import annotations

import hashlib
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from tests.lab.ociimage import Image, write_archive, write_layer


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    base, top = tmp_path / "base.tar", tmp_path / "top.tar"
    write_layer(base, {"bin/sh": b"shell"})
    write_layer(top, {"opt/bin/tool": b"tool"}, {"opt/bin/alias": "tool"})
    images = [
        Image("registry.example/one:1", (base, top), ("/opt/bin/tool",), environment=("A=b",)),
        Image("docker.io/local/two:2", (base,), command=("/bin/sh",)),
    ]
    write_archive(tmp_path / "images.tar", images)
    return tmp_path / "images.tar"


def content(archive: Path) -> dict[str, bytes]:
    with tarfile.open(archive) as tar:
        names = tar.getnames()
        assert len(names) == len(set(names))
        return {name: file.read() for name in names if (file := tar.extractfile(name))}


def blob(files: dict[str, bytes], descriptor: dict[str, Any]) -> bytes:
    data = files["blobs/sha256/" + descriptor["digest"].removeprefix("sha256:")]
    assert len(data) == descriptor["size"]
    return data


def test_every_blob_is_what_its_name_says(archive: Path) -> None:
    blobs = {name: data for name, data in content(archive).items() if name.startswith("blobs/")}
    assert len(blobs) == 2 + 2 * 2  # two layers; a configuration and a manifest for each image
    for name, data in blobs.items():
        assert name.rpartition("/")[2] == hashlib.sha256(data).hexdigest()


def test_containerd_finds_names_layers_and_what_to_run(archive: Path) -> None:
    files = content(archive)
    one, two = json.loads(files["index.json"])["manifests"]
    assert one["annotations"]["io.containerd.image.name"] == "registry.example/one:1"
    assert two["annotations"]["org.opencontainers.image.ref.name"] == "2"
    manifest = json.loads(blob(files, one))
    config = json.loads(blob(files, manifest["config"]))
    assert config["config"]["Entrypoint"] == ["/opt/bin/tool"]
    assert "A=b" in config["config"]["Env"]
    assert config["rootfs"]["diff_ids"] == [layer["digest"] for layer in manifest["layers"]]


def test_docker_finds_the_same(archive: Path) -> None:
    files = content(archive)
    one, two = json.loads(files["manifest.json"])
    assert (one["RepoTags"], two["RepoTags"]) == (["registry.example/one:1"], ["docker.io/local/two:2"])
    assert one["Layers"][0] == two["Layers"][0]
    assert all(path in files for path in (one["Config"], *one["Layers"]))


def test_a_layer_has_its_folders_and_links_and_no_time(tmp_path: Path) -> None:
    for name in ("a.tar", "b.tar"):
        write_layer(tmp_path / name, {"usr/bin/x": b"1"}, {"usr/bin/y": "x"})
    assert (tmp_path / "a.tar").read_bytes() == (tmp_path / "b.tar").read_bytes()
    with tarfile.open(tmp_path / "a.tar") as tar:
        assert tar.getnames() == ["usr", "usr/bin", "usr/bin/x", "usr/bin/y"]
        assert tar.getmember("usr/bin/y").linkname == "x"
        assert tar.getmember("usr/bin/x").mode == 0o755
