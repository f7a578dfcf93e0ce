"""Container images: lists them, loads archives into the clusters, builds and loads images of the project."""

from __future__ import annotations

import argparse
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import nodeimage
from .cache import digest
from .dockerd import docker

if TYPE_CHECKING:
    from .lab import Lab

_PUBLISHED_BASE = "docker.io/library/python:3.11-slim-bookworm"
_KEPT = 6  # built images in the cache: each holds its base, too


def add_parser(commands: Any) -> None:
    """Adds `images list|load|build` to the command line."""
    actions = commands.add_parser("images", help="list, load and build container images").add_subparsers(
        dest="action", required=True
    )
    actions.add_parser("list", help="images of every node")
    load_parser = actions.add_parser("load", help="load image archives into the clusters")
    load_parser.add_argument("archives", nargs="+", type=Path)
    build_parser = actions.add_parser("build", help="build an image and load it into the clusters")
    build_parser.add_argument("--context", type=Path, required=True)
    build_parser.add_argument("--file", type=Path, help="the Containerfile; default: Containerfile of the context")
    build_parser.add_argument("--tag", required=True)
    build_parser.add_argument("--base", help="build argument BASE; default: the lab's base image")
    for one in (load_parser, build_parser):
        one.add_argument("--cluster", action="append", default=[], help="only this cluster; may be repeated")


def command(lab: Lab, arguments: argparse.Namespace) -> None:
    """Runs `images ...`."""
    if arguments.action == "list":
        for node, names in listing(lab).items():
            print(node, *names, sep="\n  ")
    elif arguments.action == "load":
        for archive in arguments.archives:
            load(lab, archive, arguments.cluster)
    else:
        containerfile = arguments.file or arguments.context / "Containerfile"
        build(lab, arguments.context, containerfile, arguments.tag, arguments.base, arguments.cluster)


def listing(lab: Lab) -> dict[str, list[str]]:
    """Names of the images of every node."""
    found = {}
    for cluster in lab.spec.clusters:
        for node in cluster.nodes:
            answer = docker(lab.engine, "exec", node, "ctr", "-n", "k8s.io", "images", "list", "--quiet")
            found[node] = [name for name in answer.stdout.split() if not name.startswith("sha256:") and "@" not in name]
    return found


def load(lab: Lab, archive: Path, clusters: list[str] | None = None, note: str = "") -> None:
    """Imports an archive (OCI or Docker format) on every node of the clusters, all of them by default."""
    if not archive.is_file():
        raise RuntimeError(f"no image archive {archive}")
    names = clusters or [cluster.name for cluster in lab.spec.clusters]
    nodes = [node for name in names for node in lab.spec.cluster(name).nodes]
    with (
        lab.steps.step(f"load {note or archive.name} into {', '.join(names)}", limit=300) as step,
        ThreadPoolExecutor(2) as pool,
    ):

        def one(node: str) -> None:
            with archive.open("rb") as file:
                step.run(
                    ["docker", "exec", "-i", node, "ctr", "-n", "k8s.io", "images", "import", "--local", "-"],
                    env=lab.engine.environment,
                    stdin=file,
                )

        list(pool.map(one, nodes))


def load_all(lab: Lab, archives: list[Path]) -> None:
    """Loads archives and those of the folder that `LAB_IMAGES` names, each once per cluster and content."""
    folder = os.environ.get("LAB_IMAGES")
    if folder and not Path(folder).is_dir():
        raise RuntimeError(f"LAB_IMAGES names {folder}, which is no folder; put image archives (*.tar) into one")
    for archive in [*archives, *(sorted(Path(folder).glob("*.tar")) if folder else [])]:
        _load_new(lab, archive, digest(archive), [], archive.name)


def build(
    lab: Lab, context: Path, containerfile: Path, tag: str, base: str | None = None, clusters: list[str] | None = None
) -> None:
    """Builds an image (build argument BASE) and loads it where it is not yet. Nothing is done twice for one content."""
    base = base or default_base(lab)
    base_id = docker(lab.engine, "image", "inspect", "--format", "{{.Id}}", base).stdout.strip()
    key = digest("image", context, containerfile, tag, base_id or base)
    name = "image-" + tag.rpartition("/")[2].replace(":", "-")

    def make(target: Path) -> None:
        environment = {**lab.engine.environment, "DOCKER_BUILDKIT": "0"}
        network = [] if lab.published else ["--network", "none"]
        step.run(
            [
                "docker",
                "build",
                *network,
                "--build-arg",
                f"BASE={base}",
                "--file",
                str(containerfile),
                "--tag",
                tag,
                str(context),
            ],
            env=environment,
        )
        step.run(["docker", "save", "--output", str(target), tag], env=environment)

    if lab.cache.path(name, key).exists():
        archive = lab.cache.path(name, key)
    else:
        with lab.steps.step(f"build image {tag}", limit=600) as step:
            archive = lab.cache.get(name, key, make)
            lab.cache.keep_newest("image-", _KEPT)
    _load_new(lab, archive, key, clusters or [], tag)


def default_base(lab: Lab) -> str:
    """The base for the project's images: the lab's own Debian, or a published one where registries are in reach."""
    return _PUBLISHED_BASE if lab.published else nodeimage.BASE_IMAGE.removeprefix("docker.io/")


def _load_new(lab: Lab, archive: Path, key: str, clusters: list[str], note: str) -> None:
    made = lab.clusters.recorded()
    wanted = clusters or [cluster.name for cluster in lab.spec.clusters]
    loaded: dict[str, dict[str, str]] = lab.state.get("loaded", {})
    fresh = [name for name in wanted if loaded.get(name, {}).get(note) != f"{key} in {made.get(name)}"]
    if not fresh:
        return
    load(lab, archive, fresh, note)
    for name in fresh:
        known = lab.state.get("loaded", {}).get(name, {})
        lab.state.merge("loaded", name, {**known, note: f"{key} in {made.get(name)}"})
