# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prepare ``agent/build/``, from which ``agent/Containerfile`` makes the image; works from any host's Python."""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
WIREGUARD_GO = "golang.zx2c4.com/wireguard@v0.0.0-20260522210424-ecfc5a8d5446"
CORE = Path("ansible_collections/clusterset/fabric/plugins/module_utils")
# generated classes of the Kubernetes client that nothing here imports: nine tenths of the package
UNUSED = (
    "kubernetes/client/models",
    "kubernetes/client/api",
    "kubernetes/aio/client/models",
    "kubernetes/aio/client/api",
)


def main() -> None:
    """Build the context and print the digest of all that goes into it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--python", default="3.11", help="Python version of the base image (default %(default)s)")
    parser.add_argument("--arch", default="x86_64", choices=("x86_64", "aarch64"), help="machine of the image")
    parser.add_argument("--wireguard-go", type=Path, default=ROOT / ".lab/bin/wireguard-go", metavar="PROGRAM")
    parser.add_argument("--output", type=Path, default=HERE / "build")
    options = parser.parse_args()
    library = options.output / "lib"
    install_packages(library, options.python, options.arch)
    copy_sources(library)
    copy_wireguard_go(options.wireguard_go, options.output / "bin", options.arch)
    print(digest(options.output))  # noqa: T201


def install_packages(library: Path, python: str, arch: str) -> None:
    """Install the requirements for the image's Python, unless that was done before."""
    requirements = HERE / "requirements.txt"
    wanted = f"{python} {arch} {hashlib.sha256(requirements.read_bytes() + Path(__file__).read_bytes()).hexdigest()}"
    stamp = library.parent / "packages.txt"
    if stamp.exists() and stamp.read_text() == wanted:
        return
    shutil.rmtree(library, ignore_errors=True)
    platforms = [f"--platform=manylinux_2_{minor}_{arch}" for minor in (17, 28, 34)] + [
        f"--platform=manylinux2014_{arch}"
    ]
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-compile",
        "--no-warn-conflicts",
        "--disable-pip-version-check",
    ]
    command += ["--only-binary=:all:", f"--python-version={python}", "--implementation=cp", *platforms]
    subprocess.run([*command, f"--target={library}", f"--requirement={requirements}"], check=True)
    strip(library)
    stamp.write_text(wanted)


def strip(library: Path) -> None:
    """Remove what the agent never imports."""
    for folder in UNUSED:
        for entry in (library / folder).glob("*.py"):
            if entry.name != "__init__.py":
                entry.unlink()
    for pattern in ("**/tests", "**/test", "bin", "**/*.pyi"):
        for entry in list(library.glob(pattern)):
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()


def copy_sources(library: Path) -> None:
    """Copy the agent, and the client that it shares with the collection at the same import path."""
    source = ROOT / "plugins/module_utils"
    pairs = ((HERE / "clusterset_agent", Path("clusterset_agent")), (source / "client", CORE / "client"))
    shutil.rmtree(library / "ansible_collections", ignore_errors=True)
    for origin, target in pairs:
        shutil.rmtree(library / target, ignore_errors=True)
        shutil.copytree(origin, library / target, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("__init__.py", "errors.py"):
        shutil.copy(source / name, library / CORE / name)


def copy_wireguard_go(program: Path, target: Path, arch: str) -> None:
    """Take the program given, else build it from its Go module."""
    target.mkdir(parents=True, exist_ok=True)
    if not program.exists():
        goarch = {"x86_64": "amd64", "aarch64": "arm64"}[arch]
        path = target.parent / "go"
        environment = {**os.environ, "CGO_ENABLED": "0", "GOARCH": goarch, "GOBIN": "", "GOPATH": str(path.resolve())}
        subprocess.run(["go", "install", "-trimpath", "-modcacherw", WIREGUARD_GO], env=environment, check=True)
        program = next(path.glob("bin/**/wireguard"))
    shutil.copy(program, target / "wireguard-go")
    (target / "wireguard-go").chmod(0o755)


def digest(folder: Path) -> str:
    """Return the first 12 digits of the digest of all files, by path and content."""
    total = hashlib.sha256((HERE / "Containerfile").read_bytes())
    for entry in sorted(folder.rglob("*")):
        if (
            entry.is_file()
            and "__pycache__" not in entry.parts
            and entry.relative_to(folder).parts[0] in ("bin", "lib")
        ):
            total.update(str(entry.relative_to(folder)).encode() + b"\0" + entry.read_bytes())
    return total.hexdigest()[:12]


if __name__ == "__main__":
    main()
