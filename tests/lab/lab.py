"""The lab as a whole: brings it up, takes it down, tells its state."""

from __future__ import annotations

import shutil
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from . import golang, machine, nodeimage, preflight, process, published
from .cache import Cache
from .clusters import Clusters, NodeImage
from .dockerd import Engine, SystemEngine, docker
from .paths import PROJECT, Paths
from .spec import LabSpec, from_mapping, to_mapping
from .state import State, only_one
from .steps import Steps


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

    def up(self, spec: LabSpec) -> None:
        """Brings the lab up, or what is missing of it."""
        started = time.monotonic()
        with only_one(self.paths.home / "lock"):
            if not self.state.get("mode"):
                self.state.set("mode", published.choose_mode(self.steps))
            image = self._published_image(spec) if self.published else self._own_image(spec)
            self.state.set("spec", to_mapping(spec))
            created = self.clusters.bring_up(spec.clusters, image)
            self._relay()
        what = f"created {', '.join(created)}" if created else "was up already"
        self.steps.say(f"The lab {what}; {time.monotonic() - started:.0f} s. KUBECONFIG={self.paths.kubeconfig}")

    def down(self, purge: bool = False) -> None:
        """Takes everything down and puts the machine's settings back. Keeps the cache, unless `purge`."""
        with only_one(self.paths.home / "lock"):
            process.stop(self.state.get("relay"))
            if self.published or self.engine.running():
                names = set(self.clusters.recorded()) | set(self.state.get("spec", {}).get("clusters", {}))
                for name in sorted(names):
                    self.clusters.delete(name)
            self.engine.stop()
            for name in machine.put_back(self.state):
                self.steps.say(f"put back {name}")
            self._remove(purge)
        self.steps.say("The lab is down" + ("." if purge else f"; built things stay in {self.paths.cache}."))

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
        return NodeImage(published.node_image(spec.kubernetes), own=False)

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
        builder = golang.Builder(self.steps, self.cache, golang.ensure_go(self.steps, self.paths.home))
        parts = nodeimage.build_parts(self.steps, self.cache, builder, kubernetes)
        images = nodeimage.archive(self.steps, self.cache, parts, kubernetes)
        self._expose(parts)
        return nodeimage.node_image(self.steps, self.cache, parts, images, kubernetes)

    def _expose(self, parts: nodeimage.Parts) -> None:
        """Puts what others use under fixed names: .lab/bin and .lab/manifests."""
        self.paths.bin.mkdir(parents=True, exist_ok=True)
        self.paths.manifests.mkdir(parents=True, exist_ok=True)
        programs = {
            "kind": parts.program("kind"),
            "kubectl": parts.program("kubernetes"),
            "wireguard-go": parts.program("wireguard-go", "wireguard"),
        }
        for name, program in programs.items():
            link = self.paths.bin / name
            if not link.is_symlink() or link.readlink() != program:
                link.unlink(missing_ok=True)
                link.symlink_to(program)
        (self.paths.manifests / "kube-flannel.yml").write_text(parts.manifest)

    def _remove_containers(self) -> None:
        found = docker(self.engine, "ps", "--all", "--quiet").stdout.split()
        if found:
            with self.steps.step("remove clusters of an engine that ended", limit=120) as step:
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
