"""The short way to a lab: the system's Docker, the system's kind, and a published node image."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

from .cache import Cache, digest
from .programs import KIND, KUBERNETES
from .steps import StepError, Steps

MODES = ("registry", "build")
# The image that kind's release notes give for the minor version that the lab builds; they ask for the digest.
_NODE = "kindest/node:v1.36.4@sha256:099e049362a1526b2db71494e1947aae99bd16290d7c895f2b7ea312e3cbfaed"


def node_image(kubernetes: str) -> str:
    """Name of the published node image for a version of Kubernetes."""
    named = os.environ.get("LAB_NODE_IMAGE")
    return named or (_NODE if kubernetes == KUBERNETES else f"kindest/node:{kubernetes}")


def choose_mode(steps: Steps, kubernetes: str) -> str:
    """`registry` if Docker and kind are here and the node image can be had, else `build`; `LAB_MODE` overrides."""
    wanted = os.environ.get("LAB_MODE", "")
    if wanted in MODES:
        return wanted
    if wanted:
        raise RuntimeError(f"LAB_MODE is {wanted!r}; choose {' or '.join(MODES)}")
    if not (_answers("docker", "version") and new_enough(_answers("kind", "version"))):
        steps.say(f"no Docker that runs with kind {KIND} or later here: the lab builds its own")
        return "build"
    try:
        with steps.step("get the published node image", limit=900) as step:
            step.run(["docker", "pull", "--quiet", node_image(kubernetes)])
    except StepError:
        steps.say("the node image cannot be had from a registry: the lab builds its own")
        return "build"
    return "registry"


def require(docker_answers: bool) -> None:
    """Says what is missing for a lab of published images."""
    if not docker_answers:
        raise RuntimeError("the system's Docker does not answer; start it, or set LAB_MODE=build and run `up` again")
    if not shutil.which("kind"):
        raise RuntimeError(f"kind is not on PATH; install {KIND} or later, or set LAB_MODE=build and run `up` again")


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


def new_enough(answer: str) -> bool:
    """Whether `kind version` tells of a version that knows our node image."""

    def numbers(text: str) -> tuple[int, ...]:
        found = re.search(r"v(\d+)\.(\d+)", text)
        return tuple(int(number) for number in found.groups()) if found else ()

    return numbers(answer) >= numbers(KIND)


def _answers(*command: str) -> str:
    """What a command prints; empty if it fails or is not there."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return "" if done.returncode else done.stdout
