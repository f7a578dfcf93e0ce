"""What the lab puts under fixed names for everybody else: `.lab/bin` and `.lab/manifests`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from .golang import Builder
from .paths import Paths
from .programs import FLANNEL
from .steps import Steps


def flannel_manifest(steps: Steps, builder: Builder) -> str:
    """flannel's manifest as published, out of its Go module."""
    with steps.step("find flannel's manifest", limit=120) as step:
        folder = Path(builder.module_folder(step, f"github.com/flannel-io/flannel@{FLANNEL}")["Dir"])
    return (folder / "Documentation" / "kube-flannel.yml").read_text()


def put(paths: Paths, programs: Mapping[str, Path], manifest: str) -> None:
    """Links the programs and writes the manifest; what is there already stays untouched."""
    paths.bin.mkdir(parents=True, exist_ok=True)
    paths.manifests.mkdir(parents=True, exist_ok=True)
    for name, program in programs.items():
        link = paths.bin / name
        if not (link.is_symlink() and link.readlink() == program):
            link.unlink(missing_ok=True)
            link.symlink_to(program)
    (paths.manifests / "kube-flannel.yml").write_text(manifest)
