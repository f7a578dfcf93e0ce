"""Writes image archives without an engine: an OCI layout, with the index that `docker load` reads."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

SEARCH_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_OCI = "application/vnd.oci.image"


@dataclass(frozen=True)
class Image:
    """A container image: full name with tag, and its layers (uncompressed tar files), lowest first."""

    name: str
    layers: tuple[Path, ...]
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    environment: tuple[str, ...] = ()  # NAME=value


def write_layer(target: Path, files: Mapping[str, Path | bytes], links: Mapping[str, str] | None = None) -> None:
    """A layer of executables: image path -> file or content, image path -> link target. Same input, same bytes."""
    links = links or {}
    with tarfile.open(target, "w") as tar:
        for folder in _folders([*files, *links]):
            tar.addfile(_entry(folder, tarfile.DIRTYPE, 0o755))
        for path, content in sorted(files.items()):
            _add_file(tar, path, content)
        for path, link in sorted(links.items()):
            entry = _entry(path, tarfile.SYMTYPE, 0o777)
            entry.linkname = link
            tar.addfile(entry)


def write_archive(target: Path, images: Sequence[Image]) -> None:
    """An OCI archive that holds all the images; a layer used twice is stored once."""
    digests = {layer: _file_digest(layer) for image in images for layer in image.layers}
    with tarfile.open(target, "w") as tar:
        tar.addfile(*_member("oci-layout", b'{"imageLayoutVersion":"1.0.0"}'))
        written: set[str] = set()
        manifests: list[dict[str, object]] = []
        loadable: list[dict[str, object]] = []
        for image in images:
            config = _json(_config(image, [digests[layer] for layer in image.layers]))
            manifest = _json(
                {
                    "schemaVersion": 2,
                    "mediaType": f"{_OCI}.manifest.v1+json",
                    "config": _descriptor(f"{_OCI}.config.v1+json", config),
                    "layers": [
                        {
                            "mediaType": f"{_OCI}.layer.v1.tar",
                            "digest": f"sha256:{digests[path]}",
                            "size": path.stat().st_size,
                        }
                        for path in image.layers
                    ],
                }
            )
            for blob in (config, manifest):
                _add_blob(tar, hashlib.sha256(blob).hexdigest(), blob, written)
            for path in image.layers:
                _add_blob(tar, digests[path], path, written)
            loadable.append(
                {
                    "Config": _blob(hashlib.sha256(config).hexdigest()),
                    "RepoTags": [image.name],
                    "Layers": [_blob(digests[path]) for path in image.layers],
                }
            )
            manifests.append(_descriptor(f"{_OCI}.manifest.v1+json", manifest) | _names(image.name))
        index = {"schemaVersion": 2, "mediaType": f"{_OCI}.index.v1+json", "manifests": manifests}
        tar.addfile(*_member("index.json", _json(index)))
        tar.addfile(*_member("manifest.json", _json(loadable)))


def _names(name: str) -> dict[str, object]:
    annotations = {"io.containerd.image.name": name, "org.opencontainers.image.ref.name": name.rpartition(":")[2]}
    return {"annotations": annotations, "platform": {"architecture": "amd64", "os": "linux"}}


def _config(image: Image, diff_ids: Sequence[str]) -> dict[str, object]:
    settings: dict[str, object] = {"Env": [f"PATH={SEARCH_PATH}", *image.environment], "WorkingDir": "/"}
    settings |= {key: list(value) for key, value in (("Entrypoint", image.entrypoint), ("Cmd", image.command)) if value}
    return {
        "architecture": "amd64",
        "os": "linux",
        "created": "1970-01-01T00:00:00Z",
        "config": settings,
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{one}" for one in diff_ids]},
    }


def _descriptor(media_type: str, content: bytes) -> dict[str, object]:
    return {"mediaType": media_type, "digest": f"sha256:{hashlib.sha256(content).hexdigest()}", "size": len(content)}


def _blob(name: str) -> str:
    return f"blobs/sha256/{name}"


def _add_blob(tar: tarfile.TarFile, name: str, content: Path | bytes, written: set[str]) -> None:
    if name in written:
        return
    written.add(name)
    if isinstance(content, bytes):
        tar.addfile(*_member(_blob(name), content))
        return
    entry = _entry(_blob(name), tarfile.REGTYPE, 0o644)
    entry.size = content.stat().st_size
    with content.open("rb") as file:
        tar.addfile(entry, file)


def _add_file(tar: tarfile.TarFile, path: str, content: Path | bytes) -> None:
    entry = _entry(path, tarfile.REGTYPE, 0o755)
    data = content if isinstance(content, bytes) else content.read_bytes()
    entry.size = len(data)
    tar.addfile(entry, io.BytesIO(data))


def _entry(path: str, kind: bytes, mode: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(path.strip("/"))
    entry.type, entry.mode, entry.mtime = kind, mode, 0
    return entry


def _member(path: str, content: bytes) -> tuple[tarfile.TarInfo, io.BytesIO]:
    entry = _entry(path, tarfile.REGTYPE, 0o644)
    entry.size = len(content)
    return entry, io.BytesIO(content)


def _folders(paths: Iterable[str]) -> list[str]:
    """Every parent folder of the paths, parents first."""
    return sorted({str(parent) for path in paths for parent in Path(path.strip("/")).parents if str(parent) != "."})


def _json(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def _file_digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
