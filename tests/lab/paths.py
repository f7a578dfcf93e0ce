"""Where the lab keeps its things: state under `.lab/`, built things under `.lab/cache` (or `LAB_CACHE`)."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

FILES = Path(__file__).parent / "files"
PROJECT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Paths:
    """All places of one lab. `home` is its `.lab` folder, absolute."""

    home: Path
    cache: Path

    @property
    def logs(self) -> Path:
        return self.home / "logs"

    @property
    def bin(self) -> Path:
        return self.home / "bin"

    @property
    def manifests(self) -> Path:
        return self.home / "manifests"

    @property
    def run(self) -> Path:
        return self.home / "run"

    @property
    def docker(self) -> Path:
        return self.home / "docker"

    @property
    def socket(self) -> Path:
        return self.run / "docker.sock"

    @property
    def kubeconfig(self) -> Path:
        return self.home / "kubeconfig"

    @property
    def state(self) -> Path:
        return self.home / "state.json"

    @property
    def namespace(self) -> str:
        """Name of the lab's network namespace: one per `.lab` folder of the machine."""
        return "lab-" + hashlib.sha256(str(self.home).encode()).hexdigest()[:8]


def default_paths() -> Paths:
    """The paths of this checkout, or those that `LAB_HOME` and `LAB_CACHE` name."""
    home = Path(os.environ.get("LAB_HOME") or PROJECT / ".lab").absolute()
    return Paths(home, Path(os.environ.get("LAB_CACHE") or home / "cache").absolute())
