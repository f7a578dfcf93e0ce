"""kubernetes.core, for comparison only: unpacked from the `ansible` package, which any package index has."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

PACKAGE = "ansible==12.3.0"
MEMBER = "ansible_collections/kubernetes/core/"


def collections(build: Path) -> Path | None:
    """A folder of collections with kubernetes.core in it; None where it cannot be had."""
    folder = build / "collections"
    if not (folder / MEMBER).is_dir():
        build.mkdir(parents=True, exist_ok=True)
        if not list(build.glob("ansible-*.whl")):
            words = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(build), PACKAGE]
            if subprocess.run(words, check=False, timeout=300).returncode:
                return None
        (wheel,) = build.glob("ansible-*.whl")
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(folder, [name for name in archive.namelist() if name.startswith(MEMBER)])
    return folder


def version(folder: Path) -> str:
    manifest = (folder / MEMBER / "MANIFEST.json").read_text()
    return manifest.partition('"version": "')[2].partition('"')[0]
