"""The running lab as integration tests see it: clusters by name, playbooks by name, a time limit for everything."""

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
INVENTORY = ROOT / "examples" / "lab" / "clusters.yml"
AGENT_IMAGE = ROOT / ".build" / "agent-image"  # `make agent-image` names there what it has built


class CommandFailedError(AssertionError):
    """A command ended with an exit code that the test did not expect; the message holds its output."""


def lab_home() -> Path:
    """The lab's folder: `.lab`, or where LAB_HOME says."""
    return Path(os.environ.get("LAB_HOME") or ROOT / ".lab").absolute()


@functools.cache
def east_plugin() -> str:
    """The network plugin that the lab's `east` gets on this machine."""
    words = [sys.executable, "-m", "tests.lab", "plugin"]
    return subprocess.run(words, cwd=ROOT, stdout=subprocess.PIPE, text=True, timeout=60, check=True).stdout.strip()


@dataclass(frozen=True)
class RunningLab:
    """Real clusters. ``kubeconfig`` has a context ``kind-<name>`` for each."""

    kubeconfig: Path
    inventory: Path = INVENTORY

    def environment(self) -> dict[str, str]:
        """What programs that speak to the clusters find in their environment."""
        return {
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}:{lab_home() / 'bin'}:{os.environ['PATH']}",
            "KUBECONFIG": str(self.kubeconfig),
            "AGENT_IMAGE": AGENT_IMAGE.read_text().strip(),
            "EAST_PLUGIN": os.environ.get("EAST_PLUGIN") or east_plugin(),
            "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".build" / "collections"),
            "ANSIBLE_CONFIG": str(INVENTORY.parent / "ansible.cfg"),
            "ANSIBLE_NOCOLOR": "1",
        }

    def run(
        self, *words: str | Path, codes: tuple[int, ...] = (0,), limit: float = 600, stdin: str | None = None
    ) -> str:
        """Run a command; returns its output (both streams). Another exit code than one of ``codes`` fails the test."""
        done = subprocess.run(
            [str(word) for word in words],
            cwd=ROOT,
            env=self.environment(),
            input=stdin or "",
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=limit,
            check=False,
        )
        if done.returncode not in codes:
            raise CommandFailedError(f"{' '.join(map(str, words))}: exit code {done.returncode}\n{done.stdout}")
        return done.stdout

    def start(self, *words: str | Path) -> subprocess.Popen[str]:
        """Start a command that goes on beside the test; its output is read by ``communicate``."""
        return subprocess.Popen(
            [str(word) for word in words],
            cwd=ROOT,
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
        )

    def python_pod(self, name: str, space: str, script: str, *, app: str = "", **environment: str) -> dict[str, Any]:
        """A pod that runs a script in the agent's image; its label ``app`` is its name unless told otherwise."""
        container = {
            "name": "main",
            "image": self.environment()["AGENT_IMAGE"],
            "imagePullPolicy": "IfNotPresent",
            "command": ["python3", "-c", script],
            "env": [{"name": key, "value": value} for key, value in environment.items()],
        }
        metadata = {"name": name, "namespace": space, "labels": {"app": app or name}}
        spec = {"containers": [container], "terminationGracePeriodSeconds": 0}
        return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}

    def lab(self, *words: str, codes: tuple[int, ...] = (0,), limit: float = 600) -> str:
        """`python -m tests.lab ...`; with `exec --node NODE -- ...` a command inside a node."""
        return self.run(sys.executable, "-m", "tests.lab", *words, codes=codes, limit=limit)

    def playbook(self, name: str, *arguments: str, codes: tuple[int, ...] = (0,), limit: float = 900) -> str:
        """Run one of the collection's playbooks on the lab's inventory."""
        return self.run(
            "ansible-playbook", "-i", self.inventory, f"clusterset.fabric.{name}", *arguments, codes=codes, limit=limit
        )

    def kubectl(self, cluster: str, *words: str, codes: tuple[int, ...] = (0,), limit: float = 120) -> str:
        """kubectl on one cluster, by its name."""
        return self.run("kubectl", "--context", f"kind-{cluster}", *words, codes=codes, limit=limit)

    def objects(self, cluster: str, *words: str) -> list[dict[str, Any]]:
        """`kubectl get <words> -o json` as a list of objects."""
        found = json.loads(self.kubectl(cluster, "get", *words, "--output", "json"))
        items: list[dict[str, Any]] = found["items"] if found["kind"].endswith("List") else [found]
        return items

    def apply(self, cluster: str, *objects: dict[str, Any]) -> str:
        """kubectl apply of these objects."""
        text = json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)})
        return self.run("kubectl", "--context", f"kind-{cluster}", "apply", "--filename", "-", stdin=text)

    def nodes(self, cluster: str) -> list[str]:
        """Names of a cluster's nodes, which are their containers' names too."""
        return [node["metadata"]["name"] for node in self.objects(cluster, "nodes")]
