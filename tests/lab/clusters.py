"""Creates, checks and deletes clusters with kind."""

from __future__ import annotations

import socket
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

from . import kubeconfig, plugin
from .cache import digest
from .dockerd import Engine, docker
from .kindconfig import config, node_settings
from .paths import Paths
from .spec import ClusterSpec
from .state import State
from .steps import Step, StepError, Steps

_ADMIN = "/etc/kubernetes/admin.conf"
_AT_ONCE = 3  # kubeadm of more clusters than that gets slower, not faster, on small machines


@dataclass(frozen=True)
class NodeImage:
    """What nodes are made of: an image name for the engine, and whether the lab built it."""

    name: str
    own: bool


class Clusters:
    """The clusters of one lab on one engine."""

    def __init__(self, paths: Paths, state: State, steps: Steps, engine: Engine, kind: str) -> None:
        self.paths, self.state, self.steps, self.engine, self.kind = paths, state, steps, engine, kind

    def bring_up(self, wanted: tuple[ClusterSpec, ...], image: NodeImage, renew: bool = False) -> list[str]:
        """Creates the clusters that do not run as specified; removes those not wanted. Returns what was created.

        A running cluster whose specification is the same is kept, even if it would now be made from other things.
        """
        for name in sorted(set(self.recorded()) - {cluster.name for cluster in wanted}):
            self.delete(name)
        missing = [cluster for cluster in wanted if renew or not self._revive(cluster)]
        for cluster in wanted:
            if cluster not in missing and self.recorded()[cluster.name] != _key(cluster, image):
                self.steps.say(f"{cluster.name} runs, made by an earlier state of the lab; `up --renew` makes it anew")
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            tasks = [pool.submit(self._create, cluster, image) for cluster in missing]
        for task in tasks:
            task.result()
        return [cluster.name for cluster in missing]

    def recorded(self) -> dict[str, str]:
        """Clusters that are finished, each with the digests of its specification and of all it was made from."""
        return dict(self.state.get("clusters", {}))

    def _revive(self, cluster: ClusterSpec) -> bool:
        """Whether the cluster was finished with this specification and runs, if need be after starting its nodes."""
        if self.recorded().get(cluster.name, "").partition(".")[0] != _specification(cluster):
            return False
        stopped = [node for node in cluster.nodes if self.node_status(node) != "running"]
        return not stopped or self._start(cluster, stopped)

    def _start(self, cluster: ClusterSpec, stopped: list[str]) -> bool:
        known = self.state.get("addresses", {}).get(cluster.name, {})
        # Docker gives out the lowest free address: in this order every node gets its own back.
        stopped.sort(key=lambda node: [int(number) for number in known.get(node, "0").split(".")])
        try:
            with self.steps.step(f"start the nodes of {cluster.name}", limit=90) as step:
                for node in stopped:
                    action = "unpause" if self.node_status(node) == "paused" else "start"
                    step.run(["docker", action, node], env=self.engine.environment)
                if self.addresses(cluster) != known:
                    raise StepError("the nodes have other addresses now")
                ready = [
                    "docker",
                    "exec",
                    cluster.nodes[0],
                    "kubectl",
                    "--kubeconfig",
                    _ADMIN,
                    "get",
                    "--raw",
                    "/readyz",
                ]
                step.wait("the API server", lambda: not step.run(ready, env=self.engine.environment, check=False), 1)
        except StepError as error:
            self.steps.say(f"{cluster.name} is made anew: {str(error).splitlines()[0]}")
            return False
        return True

    def node_status(self, node: str) -> str:
        """`running`, `paused`, `exited` or so; empty if there is no such node."""
        return docker(self.engine, "inspect", "--format", "{{.State.Status}}", node).stdout.strip()

    def delete(self, name: str) -> None:
        """Deletes a cluster, also half of one, and forgets it."""
        with self.steps.step(f"delete cluster {name}", limit=120) as step:
            self._delete(step, name)

    def _delete(self, step: Step, name: str) -> None:
        self._record(name, None)
        self.state.merge("loaded", name, None)  # its images went with it
        own = self._kubeconfig(name)
        own.with_suffix(".lock").unlink(missing_ok=True)  # of a kind that was killed
        step.run(
            [self.kind, "delete", "cluster", "--name", name, "--kubeconfig", str(own)], env=self.engine.environment
        )
        own.unlink(missing_ok=True)
        kubeconfig.write(self.paths.kubeconfig, self.paths.home / "clusters")

    def _kubeconfig(self, name: str) -> Path:
        """The cluster's own kubeconfig, as kind writes it."""
        folder = self.paths.home / "clusters" / name
        folder.mkdir(parents=True, exist_ok=True)
        return folder / "kubeconfig"

    def _create(self, cluster: ClusterSpec, image: NodeImage) -> None:
        with self.steps.step(f"create cluster {cluster.name}", limit=420) as step:
            self._delete(step, cluster.name)
            extras = self.paths.home / "clusters" / cluster.name
            extras.mkdir(parents=True, exist_ok=True)
            (extras / "node.sysctl").write_text(node_settings(cluster))
            document = config(cluster, self._port(cluster.name), own_image=image.own, extras=extras)
            path = self.paths.home / "clusters" / f"{cluster.name}.json"
            path.write_text(document)
            step.run(
                [
                    self.kind,
                    "create",
                    "cluster",
                    "--image",
                    image.name,
                    "--config",
                    str(path),
                    "--retain",
                    "--kubeconfig",
                    str(self._kubeconfig(cluster.name)),
                    "-v",
                    "1",
                ],
                env=self.engine.environment,
            )
            self._settle(step, cluster, image)
            kubeconfig.write(self.paths.kubeconfig, self.paths.home / "clusters")
            self.state.merge("addresses", cluster.name, self.addresses(cluster))
            self._record(cluster.name, _key(cluster, image))

    def _settle(self, step: Step, cluster: ClusterSpec, image: NodeImage) -> None:
        if not image.own:  # the published image's systemd does not read our settings
            for node in cluster.nodes:
                step.run(
                    ["docker", "exec", "--privileged", node, "sysctl", "-q", "-p", "/kind/lab/node.sysctl"],
                    env=self.engine.environment,
                )
        if cluster.plugin == "lab" and image.own:
            self.kubectl(step, cluster, "apply", "--server-side", "-f", "-", stdin=plugin.manifest(cluster).encode())
        if cluster.plugin == "lab":
            self.kubectl(
                step, cluster, "wait", "--for=condition=Ready", "nodes", "--all", f"--timeout={step.left:.0f}s"
            )

    def kubectl(self, step: Step, cluster: ClusterSpec, *words: str, stdin: bytes = b"") -> None:
        """kubectl inside the first node: works without a client or a way to the API server."""
        command = ["docker", "exec", "-i", cluster.nodes[0], "kubectl", "--kubeconfig", _ADMIN, *words]
        step.run(command, env=self.engine.environment, stdin=stdin)

    def ports(self) -> dict[str, int]:
        """Ports of the API servers on 127.0.0.1, by cluster."""
        return dict(self.state.get("ports", {}))

    def _port(self, name: str) -> int:
        """A port that is free on the machine; a cluster keeps its port for the life of the lab."""
        ports = self.ports()
        if name not in ports:
            with socket.create_server(("127.0.0.1", 0)) as free:
                ports[name] = free.getsockname()[1]
            self.state.merge("ports", name, ports[name])
        return ports[name]

    def _record(self, name: str, key: str | None) -> None:
        self.state.merge("clusters", name, key)

    def addresses(self, cluster: ClusterSpec) -> dict[str, str]:
        """Addresses of the nodes, by container name; empty for one that does not run."""
        form = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}"
        return {node: docker(self.engine, "inspect", "--format", form, node).stdout.strip() for node in cluster.nodes}


def _specification(cluster: ClusterSpec) -> str:
    return digest("specification", sorted(asdict(cluster).items()))


def _key(cluster: ClusterSpec, image: NodeImage) -> str:
    """Digest of the specification, a dot, and digest of all else that a cluster is made from."""
    document = config(cluster, 0, own_image=image.own, extras=Path("."))
    own_plugin = plugin.manifest(cluster) if cluster.plugin == "lab" and image.own else ""
    made_from = digest("cluster", document, node_settings(cluster), own_plugin, image.name)
    return f"{_specification(cluster)}.{made_from}"
