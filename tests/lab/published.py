"""The short way to a lab: the system's Docker, the system's kind, and a published node image."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from .cache import Cache, digest
from .programs import KIND
from .steps import StepError, Steps

MODES = ("registry", "build")


def node_image(kubernetes: str) -> str:
    """Name of the published node image for a version of Kubernetes."""
    return os.environ.get("LAB_NODE_IMAGE") or f"kindest/node:{kubernetes}"


def choose_mode(steps: Steps, kubernetes: str) -> str:
    """`registry` if Docker and kind are here and the node image can be had, else `build`; `LAB_MODE` overrides."""
    wanted = os.environ.get("LAB_MODE", "")
    if wanted in MODES:
        return wanted
    if wanted:
        raise RuntimeError(f"LAB_MODE is {wanted!r}; choose {' or '.join(MODES)}")
    if not (shutil.which("docker") and shutil.which("kind") and _docker_answers()):
        steps.say(f"no usable Docker with kind ({KIND} or later) here: the lab builds its own")
        return "build"
    try:
        with steps.step("get the published node image", limit=900) as step:
            step.run(["docker", "pull", "--quiet", node_image(kubernetes)])
    except StepError:
        steps.say("the node image cannot be had from a registry: the lab builds its own")
        return "build"
    return "registry"


def kubectl(steps: Steps, cache: Cache, image: str) -> Path:
    """kubectl of the machine, else the one of the node image."""
    found = shutil.which("kubectl")
    if found:
        return Path(found)

    def take(target: Path) -> None:
        container = step.output(["docker", "create", image]).strip()
        step.run(["docker", "cp", f"{container}:/usr/bin/kubectl", str(target)])
        step.run(["docker", "rm", "--force", "--volumes", container])

    with steps.step("take kubectl from the node image", limit=120) as step:
        return cache.get("kubectl", digest(image), take)


def _docker_answers() -> bool:
    try:
        return subprocess.run(["docker", "version"], capture_output=True, timeout=20, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False
