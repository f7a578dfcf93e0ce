"""The lab as a whole: brings it up, takes it down, tells its state."""

from __future__ import annotations

import shutil
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from . import golang, images, machine, nodeimage, outputs, preflight, process, published
from .cache import Cache
from .clusters import Clusters, NodeImage
from .dockerd import Engine, SystemEngine, docker
from .paths import PROJECT, Paths
from .programs import programs
from .spec import LabSpec, from_mapping, to_mapping
from .state import State, only_one
from .steps import Steps

_FILE_NAMES = {"wireguard-go": "wireguard"}  # where a program's file is not called as we call the program


@dataclass
class Lab:
    """One lab in one `.lab` folder."""

    paths: Paths
    steps: Steps

    def __post_init__(self) -> None:
        self.state = State(self.paths.state)
        self.cache = Cache(self.paths.cache)

    @property
    def published(self) -> bool:
        """Whether this lab runs on the system's Docker with published images."""
        return bool(self.state.get("mode") == "registry")

    @property
    def engine(self) -> Engine:
        return (SystemEngine if self.published else Engine)(self.paths, self.state, self.steps)

    @property
    def spec(self) -> LabSpec:
        """The lab that runs, as last asked for."""
        stored = self.state.get("spec")
        if not stored:
            raise RuntimeError("no lab is up; run `python -m tests.lab up`")
        return from_mapping(stored)

    @property
    def clusters(self) -> Clusters:
        kind = shutil.which("kind") if self.published else str(self.paths.bin / "kind")
        return Clusters(self.paths, self.state, self.steps, self.engine, kind or "kind")

    def up(self, spec: LabSpec, renew: bool = False) -> None:
        """Brings the lab up, or what is missing of it; with `renew` all clusters are made anew."""
        started = time.monotonic()
        with only_one(self.paths.home / "lock"):
            if not self.state.get("mode") or not self.state.get("spec"):
                self.state.set("mode", published.choose_mode(self.steps, spec.kubernetes))
            image = self._published_image(spec) if self.published else self._own_image(spec)
            self.state.set("spec", to_mapping(spec))
            created = self.clusters.bring_up(spec.clusters, image, renew)
            self._relay()
            images.load_all(self, [Path(path) for path in spec.images])
        what = f"created {', '.join(created)}" if created else "was up already"
        self.steps.say(f"The lab {what}; {time.monotonic() - started:.0f} s. KUBECONFIG={self.paths.kubeconfig}")

    def down(self, purge: bool = False) -> None:
        """Takes everything down and puts the machine's settings back. Keeps the cache, unless `purge`."""
        with only_one(self.paths.home / "lock"):
            process.stop(self.state.get("relay"))
            self._delete_clusters()
            self.engine.stop()
            for name in machine.put_back(self.state):
                self.steps.say(f"put back {name}")
            self._remove(purge)
        self.steps.say("The lab is down" + ("." if purge else f"; built things stay in {self.paths.cache}."))

    def _delete_clusters(self) -> None:
        if self.published and not self.engine.answers():
            self.steps.say("the system's Docker does not answer: clusters, if there are any, stay")
        elif self.published:
            names = set(self.clusters.recorded()) | set(self.state.get("spec", {}).get("clusters", {}))
            for name in sorted(names):
                self.clusters.delete(name)
        elif (self.paths.docker / "data").exists():
            # Also after the engine was killed: containers outlive it, and only an engine ends them cleanly.
            self.engine.start(self.state.get("spec", {}).get("subnet", LabSpec(()).subnet))
            self._remove_containers()

    def _remove(self, purge: bool) -> None:
        for path in self.paths.home.iterdir():
            if path == self.paths.cache and not purge:
                continue
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()
        if purge:
            shutil.rmtree(self.paths.cache, ignore_errors=True)

    def _published_image(self, spec: LabSpec) -> NodeImage:
        published.require(self.engine.answers())
        name = published.node_image(spec.kubernetes)
        builder = self._builder()
        wireguard = self.program("wireguard-go")
        kubectl = published.kubectl(self.steps, self.cache, name)
        links = {"wireguard-go": wireguard, "kubectl": kubectl}
        outputs.put(self.paths, links, outputs.flannel_manifest(self.steps, builder))
        return NodeImage(name, own=False)

    def _own_image(self, spec: LabSpec) -> NodeImage:
        preflight.require(self.steps)
        machine.raise_limits(self.state, spec.node_count)
        name, archive = self.build(spec.kubernetes)
        if self.engine.start(spec.subnet):
            self.state.set("clusters", None)  # containers of an engine that ended are not started again
            self._remove_containers()
        if docker(self.engine, "image", "inspect", name).returncode:
            with self.steps.step("load the node image", limit=300) as step:
                step.run(["docker", "load", "--quiet", "--input", str(archive)], env=self.engine.environment)
        return NodeImage(name, own=True)

    def build(self, kubernetes: str) -> tuple[str, Path]:
        """Builds all that a lab without a registry needs. Returns the node image's name and archive."""
        builder = self._builder()
        parts = nodeimage.build_parts(self.steps, self.cache, builder, kubernetes)
        images = nodeimage.archive(self.steps, self.cache, parts, kubernetes)
        commands = {"kind": "kind", "kubectl": "kubernetes", "wireguard-go": "wireguard-go"}
        links = {name: parts.program(program, _FILE_NAMES.get(program, "")) for name, program in commands.items()}
        outputs.put(self.paths, links, parts.manifest)
        return nodeimage.node_image(self.steps, self.cache, parts, images, kubernetes)

    def program(self, name: str) -> Path:
        """The executable of one program, built if it is not there; no lab needs to be up."""
        return self._builder().build(programs()[name]) / _FILE_NAMES.get(name, name)

    def _builder(self) -> golang.Builder:
        return golang.Builder(self.steps, self.cache, golang.ensure_go(self.steps, self.paths.cache))

    def _remove_containers(self) -> None:
        found = docker(self.engine, "ps", "--all", "--quiet").stdout.split()
        if found:
            with self.steps.step("remove all nodes", limit=120) as step:
                step.run(["docker", "rm", "--force", "--volumes", *found], env=self.engine.environment)

    def _relay(self) -> None:
        """Keeps a relay running for exactly the ports of the clusters."""
        if self.published:
            return
        ports = sorted(self.clusters.ports()[cluster.name] for cluster in self.spec.clusters)
        known = self.state.get("relay_ports") == ports and process.alive(self.state.get("relay"))
        if known:
            return
        process.stop(self.state.get("relay"))
        command = [
            sys.executable,
            str(PROJECT / "tests" / "lab" / "relay.py"),
            str(machine.namespace_file(self.paths.namespace)),
        ]
        self.state.set("relay", process.start([*command, *map(str, ports)], self.paths.logs / "relay.log"))
        self.state.set("relay_ports", ports)

    def status(self) -> list[str]:
        """Lines that tell what runs."""
        if not self.state.get("spec"):
            return ["no lab is up"]
        where = "the system's Docker" if self.published else str(self.paths.socket)
        lines = [f"engine    {'runs' if self.engine.running() else 'DOES NOT RUN'}  {where}"]
        lines.append(f"relay     {'runs' if process.alive(self.state.get('relay')) else 'does not run'}")
        for cluster in self.spec.clusters:
            finished = "complete" if cluster.name in self.clusters.recorded() else "NOT COMPLETE"
            ranges = f"pods {cluster.pod_range}  services {cluster.service_range}"
            lines.append(f"{cluster.name:9} {finished}  {cluster.context}  {ranges}  plugin {cluster.plugin}")
            addresses = self.clusters.addresses(cluster)
            lines += [f"          {node:22} {address or 'not running'}" for node, address in addresses.items()]
        return lines
