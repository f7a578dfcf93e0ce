# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Getting an upstream manifest: a file, a folder of files, or an URL whose content must have a known digest."""

from __future__ import annotations

import asyncio
import hashlib
import os
import tempfile
from pathlib import Path

from ...client._lib import aiohttp, require
from ...errors import FabricError
from ...facts.releases import DEFAULT_VERSIONS, known_files
from ...model.types import ManifestSource

LIMIT = 32 * 1024 * 1024  # bytes; the largest known one has 3 MB
SECONDS = 60.0
_SUFFIXES = (".yml", ".yaml", ".json")


def default_cache() -> Path:
    """Where downloaded manifests are kept, by digest."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "clusterset.fabric" / "manifests"


async def load_manifest(
    source: ManifestSource | None,
    *,
    plugin: str,
    version: str,
    kubernetes_version: str,
    cluster: str = "",
    cache: Path | None = None,
) -> str:
    """The text of a plugin's manifest; several files are joined as YAML documents.

    :param source: what the operator named, or None for the official files of ``version`` ("" is the default one).
    :raises FabricError: nothing there, not to be had, or another digest than expected (both are named).
    """
    folder = cache or default_cache()
    if source is None:
        files = known_files(plugin, version or DEFAULT_VERSIONS[plugin], kubernetes_version, cluster=cluster)
        sources = [ManifestSource(url=each.url, sha256=each.sha256) for each in files]
    else:
        sources = [source]
    try:
        return "\n---\n".join([await _load(each, folder) for each in sources])
    except FabricError as error:
        raise FabricError(error.message, cluster=cluster, fix=error.fix) from error


async def _load(source: ManifestSource, cache: Path) -> str:
    if source.path:
        return await asyncio.to_thread(_local, source.path, source.sha256)
    if not source.url.startswith("https://"):
        raise FabricError(f"{source.url} is not fetched", fix="use an https URL, or download it and give its path")
    if not source.sha256:
        raise FabricError(f"{source.url} has no sha256", fix="give the file's SHA-256 beside its URL")
    digest = source.sha256.lower()
    kept = cache / digest
    if kept.is_file():
        content = await asyncio.to_thread(kept.read_bytes)
        if _digest(content) == digest:  # a damaged copy is fetched again
            return content.decode()
    content = await _download(source.url)
    _check(content, digest, source.url)
    await asyncio.to_thread(_keep, kept, content)
    return content.decode()


def _local(name: str, sha256: str) -> str:
    """A file, or all manifests of a folder in the order of their names."""
    path = Path(name).expanduser()
    fix = "fabric_network_plugin_manifest must be a readable file or folder on the control host"
    try:
        if path.is_dir():
            files = sorted(each for each in path.iterdir() if each.suffix in _SUFFIXES)
            if not files:
                raise FabricError(f"{path} holds no manifest", fix=fix)
            return "\n---\n".join(each.read_text() for each in files)
        content = path.read_bytes()
    except OSError as error:
        raise FabricError(f"{path} cannot be read: {error.strerror}", fix=fix) from error
    if sha256:
        _check(content, sha256.lower(), str(path))
    return content.decode()


async def _download(url: str) -> bytes:
    require()
    fix = "download it elsewhere and set fabric_network_plugin_manifest to its path"
    try:
        timeout = aiohttp.ClientTimeout(total=SECONDS)
        async with aiohttp.ClientSession(timeout=timeout, trust_env=True) as session, session.get(url) as answer:
            if answer.status != 200:
                raise FabricError(f"{url} was answered with {answer.status} {answer.reason}", fix=fix)
            content = await answer.content.read(LIMIT + 1)
            while len(content) <= LIMIT and (more := await answer.content.read(LIMIT + 1 - len(content))):
                content += more
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        reason = str(error) or f"no answer within {SECONDS:.0f} s"
        raise FabricError(f"{url} cannot be fetched: {reason}", fix=fix) from error
    if len(content) > LIMIT:
        raise FabricError(f"{url} has more than {LIMIT} bytes", fix="check that the URL is the manifest's")
    return content


def _check(content: bytes, expected: str, where: str) -> None:
    found = _digest(content)
    if found != expected:
        raise FabricError(
            f"{where} has the SHA-256 {found}, not the expected {expected}",
            fix="read what has changed, then set sha256 to the new digest, or use the file that was meant",
        )


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _keep(path: Path, content: bytes) -> None:
    """Write by rename, so that a second process never sees half a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
    Path(name).replace(path)
