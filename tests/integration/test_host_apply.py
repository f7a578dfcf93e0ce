"""The per-host skin: any strategy, one host's failure its own, the same receipts as the fan-out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.integration.running import RunningLab
from tests.integration.test_site import recap

PLAY = """
- hosts: clusters
  gather_facts: false
  strategy: free
  tasks:
    - clusterset.fabric.host_apply:
        name: greeting
        state: "{{ state | default('present') }}"
        deadline: 20
        objects:
          - apiVersion: v1
            kind: ConfigMap
            metadata: {name: greeting, namespace: default}
            data: {text: "hello {{ inventory_hostname }}"}
"""


@pytest.fixture
def play(tmp_path: Path) -> Path:
    path = tmp_path / "greet.yml"
    path.write_text(PLAY)
    return path


def run(lab: RunningLab, play: Path, *arguments: str, codes: tuple[int, ...] = (0,)) -> dict[str, tuple[int, int]]:
    return recap(lab.run("ansible-playbook", "-i", lab.inventory, play, *arguments, codes=codes))


def test_each_host_gets_its_own_and_a_second_run_changes_nothing(lab: RunningLab, play: Path) -> None:
    everywhere = dict.fromkeys(("east", "north", "west"), (1, 0))
    assert run(lab, play, "--check") == everywhere
    assert run(lab, play) == everywhere
    assert run(lab, play) == dict.fromkeys(everywhere, (0, 0))
    for cluster in everywhere:
        (found,) = lab.objects(cluster, "configmap/greeting", "--namespace", "default")
        assert found["data"]["text"] == f"hello {cluster}"
    assert run(lab, play, "-e", "state=absent") == everywhere
    assert run(lab, play, "-e", "state=absent") == dict.fromkeys(everywhere, (0, 0))


def test_a_limit_touches_no_other_cluster(lab: RunningLab, play: Path) -> None:
    assert run(lab, play, "--limit", "west") == {"west": (1, 0)}
    assert "NotFound" in lab.kubectl("east", "-n", "default", "get", "configmap/greeting", codes=(1,))
    run(lab, play, "-e", "state=absent")


def test_one_hosts_failure_is_its_own(lab: RunningLab, play: Path) -> None:
    wrong = json.dumps({"fabric_kubeconfig": "/nowhere"})
    assert run(lab, play, "--limit", "west", "-e", wrong, codes=(2,)) == {"west": (0, 1)}
