"""Who takes part: playbooks written as well as their authors' documentation allows, and the floor."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from .objects import Object

ROOT = Path(__file__).resolve().parents[2]
CONNECTION = {"kubeconfig": "{{ fabric_kubeconfig }}", "context": "{{ fabric_context }}"}
APPLY = {"apply": True, "server_side_apply": {"field_manager": "clusterset.fabric", "force_conflicts": True}}


@dataclass(frozen=True)
class Field:
    """One size of the race: files for all contenders in ``folder``."""

    folder: Path
    hosts: dict[str, dict[str, str]]
    collections: str

    def environment(self) -> dict[str, str]:
        return {
            "ANSIBLE_COLLECTIONS_PATH": self.collections,
            "ANSIBLE_CONFIG": str(self.folder / "ansible.cfg"),
            "ANSIBLE_FORKS": "10",
            "ANSIBLE_LOCALHOST_WARNING": "false",
            "HOME": str(self.folder),
            "K8S_AUTH_VERIFY_SSL": "true",
        }

    def playbook(self, name: str) -> list[str]:
        program = str(Path(sys.executable).parent / "ansible-playbook")
        return [program, "-i", str(self.folder / "hosts.json"), str(self.folder / f"{name}.yml")]

    def floor(self, *words: str) -> list[str]:
        return [sys.executable, str(ROOT / "tests" / "benchmark" / "floor.py"), str(self.folder), *words]


def prepare(folder: Path, hosts: dict[str, dict[str, str]], collections: str) -> Field:
    """Write inventory and playbooks. ``hosts``: name -> kubeconfig, context."""
    folder.mkdir(parents=True, exist_ok=True)
    variables = {
        "ansible_connection": "local",
        "ansible_python_interpreter": "{{ ansible_playbook_python }}",
    }
    inventory = {"all": {"hosts": hosts, "vars": variables}}
    (folder / "hosts.json").write_text(json.dumps(inventory))
    (folder / "ansible.cfg").write_text("[defaults]\nretry_files_enabled = false\n")
    source = str(folder / "{{ inventory_hostname }}.yaml")
    listed = {"state": "present", "src": source, **APPLY, **CONNECTION}
    looped = {"state": "present", "definition": "{{ item }}", **APPLY, **CONNECTION}
    loop = f"{{{{ lookup('file', '{folder}/' + inventory_hostname + '.yaml') | from_yaml_all | list }}}}"
    ours = {"bundles": str(folder / "bundles.json"), "name": "bench", "wait": False}
    write(folder, "empty", [{"meta": "noop"}])
    write(
        folder,
        "ours",
        [{"clusterset.fabric.apply": ours, "register": "done", "failed_when": "done.failed_clusters | length > 0"}],
    )
    write(folder, "idle", [{"clusterset.fabric.apply": {**ours, "bundles": str(folder / "others.json")}}])
    write(folder, "list", [{"kubernetes.core.k8s": listed}])
    write(folder, "loop", [{"kubernetes.core.k8s": looped, "loop": loop, "loop_control": {"label": "object"}}])
    return Field(folder, hosts, collections)


def write(folder: Path, name: str, tasks: list[dict[str, Any]]) -> None:
    play = {"name": name, "hosts": "all", "gather_facts": False, "tasks": [{"name": name, **task} for task in tasks]}
    (folder / f"{name}.yml").write_text(yaml.safe_dump([play], sort_keys=False))


def fill(field: Field, bundles: dict[str, list[Object]], bundle: str = "bench") -> None:
    """Write what the contenders are to apply: for each host its objects."""
    (field.folder / "bundles.json").write_text(json.dumps(bundles))
    # an idle run reads as much, for hosts that are not in the play
    (field.folder / "others.json").write_text(json.dumps({f"not-{host}": each for host, each in bundles.items()}))
    for host, objects in bundles.items():
        (field.folder / f"{host}.yaml").write_text(yaml.safe_dump_all(objects, sort_keys=False))
    playbook = field.folder / "ours.yml"
    content = yaml.safe_load(playbook.read_text())
    content[0]["tasks"][0]["clusterset.fabric.apply"]["name"] = bundle
    playbook.write_text(yaml.safe_dump(content, sort_keys=False))
