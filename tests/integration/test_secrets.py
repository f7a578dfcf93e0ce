"""No key and no token of any cluster shows up anywhere but where it belongs."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
import yaml

from tests.integration.running import ROOT, RunningLab

CLUSTERS = ("east", "north", "west")


def kubeconfig_secrets(path: Path) -> dict[str, str]:
    """Every credential of the kubeconfig, as it stands there and decoded."""
    found = {}
    for user in yaml.safe_load(path.read_text())["users"]:
        for field in ("client-key-data", "token", "password"):
            if field in user["user"]:
                found[f"{user['name']} {field}"] = user["user"][field]
        key = base64.b64decode(user["user"].get("client-key-data", "")).decode()
        lines = [line for line in key.splitlines() if line and "-----" not in line]
        found.update({f"{user['name']} key line {number}": line for number, line in enumerate(lines[:3])})
    return found


def key_file(lab: RunningLab, node: str) -> str:
    """The one private key of a gateway; tests before this one may have rotated it."""
    (path,) = lab.lab("exec", "--node", node, "--", "find", "/var/lib/clusterset-fabric", "-name", "private*").split()
    return path


@pytest.fixture(scope="module")
def secrets(lab: RunningLab) -> dict[str, str]:
    """Credentials of all clusters and the private keys of all their gateways, by what they are."""
    lab.playbook("site")
    found = kubeconfig_secrets(lab.kubeconfig)
    for cluster in CLUSTERS:
        for gateway in lab.objects(cluster, "gateways", "--namespace", "clusterset-fabric"):
            node = gateway["metadata"]["name"]
            path = key_file(lab, node)
            found[f"link key of {node}"] = lab.lab("exec", "--node", node, "--", "cat", path).strip()
            assert lab.lab("exec", "--node", node, "--", "stat", "-c", "%a %U", path).strip() == "600 root"
    assert len(found) > 15
    assert all(len(value) > 20 for value in found.values())
    return found


def leaks(secrets: dict[str, str], text: str) -> list[str]:
    """Names of the secrets that are in the text."""
    assert text
    return [name for name, value in secrets.items() if value in text]


def test_the_inventory_holds_none(lab: RunningLab, secrets: dict[str, str]) -> None:
    listed = lab.run("ansible-inventory", "-i", lab.inventory, "--list")
    assert "fabric_kubeconfig" in listed
    assert not leaks(secrets, listed)


@pytest.mark.parametrize("arguments", [("plan", "-vvv"), ("site", "-vvv", "--diff"), ("site", "-vvv", "--check")])
def test_output_holds_none(lab: RunningLab, secrets: dict[str, str], arguments: tuple[str, ...]) -> None:
    assert not leaks(secrets, lab.playbook(*arguments))


def test_the_diff_of_everything_holds_none(lab: RunningLab, secrets: dict[str, str]) -> None:
    output = lab.playbook("site", "--check", "--diff", "-e", "fabric_agent_image=docker.io/local/other:1")
    assert "+++ after" in output
    assert not leaks(secrets, output)


def test_the_plan_file_is_private_and_holds_none(lab: RunningLab, secrets: dict[str, str], tmp_path: Path) -> None:
    play = tmp_path / "keep.yml"
    play.write_text(f"""
- hosts: clusters
  gather_facts: false
  roles: [clusterset.fabric.preflight]
  post_tasks:
    - ansible.builtin.command: cp -p {{{{ preflight_result.plan }}}} {tmp_path}/plan.json
      run_once: true
      changed_when: false
""")
    lab.run("ansible-playbook", "-i", lab.inventory, play)
    plan = tmp_path / "plan.json"
    assert plan.stat().st_mode & 0o777 == 0o600
    assert not leaks(secrets, plan.read_text())


@pytest.mark.parametrize("cluster", CLUSTERS)
def test_objects_logs_and_process_lists_hold_none(lab: RunningLab, secrets: dict[str, str], cluster: str) -> None:
    ours = ("--namespace", "clusterset-fabric")
    kinds = "fabrics,peers,gateways,links,tunneladdresses,configmaps,secrets,daemonsets"
    assert not leaks(secrets, lab.kubectl(cluster, *ours, "get", kinds, "--output", "yaml"))
    for name in ("fabric-agent", "fabric-tunnel"):
        for pod in lab.objects(cluster, "pods", *ours, "--selector", f"app.kubernetes.io/name={name}"):
            logs = lab.kubectl(cluster, *ours, "logs", pod["metadata"]["name"], "--tail=-1")
            assert not [name for name, value in secrets.items() if value in logs]
    keys = {name: value for name, value in secrets.items() if name.startswith("link key")}
    for node in lab.nodes(cluster):
        script = "ps -eo args; cat /run/clusterset-fabric/*.json"
        assert not leaks(keys, lab.lab("exec", "--node", node, "--", "sh", "-c", script))


def test_the_report_holds_none(secrets: dict[str, str]) -> None:
    report = ROOT / ".lab" / "verify.json"
    assert not leaks(secrets, report.read_text())
