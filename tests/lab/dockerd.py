"""The container engine: the system's where it can pull images, else one of the lab's own behind a wall."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from . import machine, process
from .paths import FILES, Paths
from .state import State
from .steps import Step, Steps

_BRIDGE = "br-lab"
_ALL_CAPABILITIES = (1 << 38) - 1  # those that runc 1.1 asks for when a container is privileged


class Engine:
    """The lab's own dockerd, in a network namespace without uplink, all its data under the lab's folder."""

    def __init__(self, paths: Paths, state: State, steps: Steps) -> None:
        self.paths, self.state, self.steps = paths, state, steps

    @property
    def environment(self) -> dict[str, str]:
        """Environment for `docker` and `kind` that makes them talk to this engine."""
        return {**os.environ, "DOCKER_HOST": f"unix://{self.paths.socket}", "KIND_EXPERIMENTAL_PROVIDER": "docker"}

    @property
    def enter(self) -> list[str]:
        """Words that run a command where the clusters' API servers are reachable.

        Not `ip netns exec`: that mounts a new /sys, without the control groups.
        """
        return ["nsenter", f"--net={machine.namespace_file(self.paths.namespace)}"]

    def running(self) -> bool:
        return process.alive(self.state.get("dockerd")) and self.answers()

    def answers(self) -> bool:
        if not shutil.which("docker"):
            return False
        command = ["docker", "version", "--format", "{{.Server.Version}}"]
        return (
            subprocess.run(command, env=self.environment, capture_output=True, timeout=20, check=False).returncode == 0
        )

    def start(self, subnet: str) -> bool:
        """Starts the engine unless it runs. Returns whether it was started."""
        if self.running():
            return False
        with self.steps.step("start the container engine", limit=60) as step:
            process.stop(self.state.get("dockerd"))
            machine.make_namespace(step, self.paths.namespace)
            self.paths.run.mkdir(parents=True, exist_ok=True)
            log = self.paths.logs / "dockerd.log"
            identity = process.start([*self.enter, *self._command()], log)
            self.state.set("dockerd", identity)
            step.wait(f"dockerd does not answer, see {log}", lambda: self.answers() or _fail_if_dead(identity, log))
            self._network(step, subnet)
        return True

    def stop(self) -> None:
        """Stops the engine; removes its data, mounts and namespace. Anything already gone is fine."""
        with self.steps.step("stop the container engine", limit=120) as step:
            process.stop(self.state.get("dockerd"), patience=40)
            self.state.set("dockerd", None)
            for point in machine.mounts_below(self.paths.docker):
                step.run(["umount", "--lazy", str(point)], check=False)
            machine.delete_namespace(step, self.paths.namespace)
            shutil.rmtree(self.paths.docker, ignore_errors=True)
            shutil.rmtree(self.paths.run, ignore_errors=True)

    def _command(self) -> list[str]:
        data, run = self.paths.docker, self.paths.run
        command = [
            "dockerd",
            "--data-root",
            f"{data}/data",
            "--exec-root",
            f"{data}/exec",
            "--pidfile",
            f"{run}/docker.pid",
        ]
        command += [
            "--host",
            f"unix://{self.paths.socket}",
            "--bridge",
            "none",
            "--config-file",
            str(self._no_config()),
        ]
        if lacking_capabilities():
            command += ["--add-runtime", f"lab={self._runtime()}", "--default-runtime", "lab"]
        return command

    def _no_config(self) -> Path:
        path = self.paths.run / "daemon.json"
        path.write_text("{}\n")  # the machine's own /etc/docker/daemon.json is not for this engine
        return path

    def _runtime(self) -> Path:
        path = self.paths.run / "runtime"
        python = shutil.which("python3", path="/usr/bin:/bin:/usr/local/bin") or "/usr/bin/env python3"
        path.write_text(f"#!{python} -IS\n" + (FILES / "runtime").read_text())
        path.chmod(0o755)
        return path

    def _network(self, step: Step, subnet: str) -> None:
        known = step.output(["docker", "network", "ls", "--format", "{{.Name}}"], env=self.environment).split()
        if "kind" not in known:
            step.run(
                [
                    "docker",
                    "network",
                    "create",
                    "--driver",
                    "bridge",
                    "--subnet",
                    subnet,
                    "--opt",
                    f"com.docker.network.bridge.name={_BRIDGE}",
                    "kind",
                ],
                env=self.environment,
            )


def lacking_capabilities() -> bool:
    """Whether this process's bounding set lacks a capability that a privileged container is given."""
    status = Path("/proc/self/status").read_text()
    mask = next(int(line.split()[1], 16) for line in status.splitlines() if line.startswith("CapBnd:"))
    return mask & _ALL_CAPABILITIES != _ALL_CAPABILITIES


def _fail_if_dead(identity: list[int], log: Path) -> bool:
    if not process.alive(identity):
        raise RuntimeError(f"dockerd ended at once:\n{log.read_text(errors='replace')[-3000:]}")
    return False


class SystemEngine(Engine):
    """The machine's own Docker: nothing to start or stop, its clusters reachable from everywhere."""

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "KIND_EXPERIMENTAL_PROVIDER": "docker"}

    @property
    def enter(self) -> list[str]:
        return []

    def running(self) -> bool:
        return self.answers()

    def start(self, subnet: str) -> bool:
        if not self.answers():
            raise RuntimeError("the system's Docker does not answer; start it, or set LAB_MODE=build")
        return False

    def stop(self) -> None:
        return


def docker(engine: Engine, *words: str, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """A quick question to the engine; the caller looks at the exit code."""
    environment = {**engine.environment, **(env or {})}
    return subprocess.run(["docker", *words], env=environment, capture_output=True, text=True, timeout=60, check=False)
