"""The plugin under real commands of ansible-core."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.unit.inventory.conftest import Write
from tests.unit.inventory.samples import ansible, kubeconfig, secrets

FILE: dict[str, Any] = {
    "plugin": "clusterset.fabric.clusters",
    "sources": [
        {"kubeconfig": "kubeconfig", "contexts": ["prod"]},
        {"kind": True, "kubeconfig": "kubeconfig"},
        {"clusters": {"lisbon": {"fabric_kubeconfig": "kubeconfig", "fabric_context": "prod", "tier": "own"}}},
    ],
    "variables": {
        "*": {"tier": "all", "greeting": "{{ inventory_hostname }} is {{ tier }}"},
        "[ew]*st": {"tier": "lab", "fabric_labels": {"env": "lab", "topology.kubernetes.io/zone": "a"}},
        "east": {"fabric_labels": {"region": "eu-west"}},
        "lisbon": {"tier": "lost"},
    },
    "cluster_groups": {"env": "labels.env", "own": "vars.tier == 'own'"},
}


def listed(home: Path, *args: str, **env: str) -> dict[str, Any]:
    """The parsed ``ansible-inventory --list``."""
    run = ansible(home, "inventory", "-i", "clusters.yml", "--list", *args, **env)
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


def test_sources_variables_and_groups(tmp_path: Path, lab: Path, write: Write) -> None:
    write(
        "clusters.yml",
        FILE
        | {
            "compose": {"shout": "fabric_context | upper"},
            "groups": {"big": "tier == 'all'"},
            "keyed_groups": [{"key": "shout", "prefix": "k", "parent_group": "keyed"}],
        },
    )
    shown = listed(tmp_path)
    hosts = shown["_meta"]["hostvars"]
    assert shown["clusters"]["hosts"] == ["prod", "east", "west", "lisbon"]
    assert hosts["east"] == {
        "ansible_connection": "local",
        "ansible_python_interpreter": "{{ ansible_playbook_python }}",
        "fabric_cluster_id": "east",
        "fabric_context": "kind-east",
        "fabric_kubeconfig": str(lab),
        "fabric_labels": {"env": "lab", "topology.kubernetes.io/zone": "a", "region": "eu-west"},
        "greeting": "{{ inventory_hostname }} is {{ tier }}",
        "shout": "KIND-EAST",
        "tier": "lab",
    }
    assert (hosts["prod"]["tier"], hosts["lisbon"]["tier"]) == ("all", "own")
    assert shown["env"] == {"children": ["env_lab"]}
    assert shown["env_lab"]["hosts"] == ["east", "west"]
    assert shown["own"]["hosts"] == ["lisbon"]
    assert shown["big"]["hosts"] == ["prod"]
    assert shown["k_KIND_EAST"]["hosts"] == ["east"]
    assert "k_KIND_EAST" in shown["keyed"]["children"]


def test_a_play_needs_no_boilerplate(tmp_path: Path, lab: Path, write: Write) -> None:
    """A module runs under the controller's own Python; the operator's templates work; group_vars and host_vars too."""
    write("clusters.yml", FILE)
    write("group_vars/clusters.yml", {"from_group": "g", "tier": "weaker"})
    write("host_vars/west.yml", {"tier": "stronger"})
    write(
        "play.yml",
        [
            {
                "hosts": "clusters",
                "gather_facts": False,
                "tasks": [
                    {"ansible.builtin.ping": {}, "register": "ran", "run_once": True},
                    {"ansible.builtin.debug": {"msg": "<{{ greeting }} {{ from_group }} {{ ran.ping }}>"}},
                    {"ansible.builtin.assert": {"that": "ansible_facts.discovered_interpreter_python is not defined"}},
                ],
            }
        ],
    )
    run = ansible(tmp_path, "playbook", "-i", "clusters.yml", "play.yml")
    assert run.returncode == 0, run.stdout + run.stderr
    for line in ("<east is lab g pong>", "<west is stronger g pong>", "<prod is all g pong>", "<lisbon is own g pong>"):
        assert line in run.stdout


def test_what_sources_find_is_never_a_template(tmp_path: Path, write: Write) -> None:
    """Names in a kubeconfig, and what compose makes of them, stay text; so does the operator's own where trusted."""
    write("kubeconfig", kubeconfig("x{{ 6 * 7 }}"))
    write(
        "clusters.yml",
        {
            "plugin": "clusterset.fabric.clusters",
            "sources": [{"kubeconfig": "kubeconfig", "names": {"x{{ 6 * 7 }}": "trap"}}],
            "variables": {"trap": {"mine": "{{ 6 * 7 }}"}},
            "compose": {"copied": "fabric_context"},
        },
    )
    words = "msg='<{{ fabric_context }}> <{{ copied }}> <{{ mine }}>'"
    run = ansible(tmp_path, "adhoc", "-i", "clusters.yml", "trap", "-m", "debug", "-a", words)
    assert "<x{{ 6 * 7 }}> <x{{ 6 * 7 }}> <42>" in run.stdout, run.stdout + run.stderr


def test_no_secret_is_shown_or_cached(tmp_path: Path, lab: Path, write: Write) -> None:
    write("clusters.yml", FILE | cached(tmp_path))
    run = ansible(tmp_path, "inventory", "-i", "clusters.yml", "--list", "-vvvv")
    shown = run.stdout + run.stderr
    assert "kind-east" in shown
    stored = "".join(path.read_text() for path in (tmp_path / "cache").iterdir())
    assert "kind-east" in stored
    assert len(secrets()) == 7
    for secret in secrets():
        assert secret in lab.read_text()
        assert secret not in shown
        assert secret not in stored


def cached(home: Path) -> dict[str, Any]:
    """Options that switch a cache on."""
    return {"cache": True, "cache_plugin": "ansible.builtin.jsonfile", "cache_connection": str(home / "cache")}


def test_cache_holds_the_finished_map_and_knows_what_it_was_made_from(tmp_path: Path, lab: Path, write: Write) -> None:
    file = FILE | cached(tmp_path) | {"compose": {"shout": "fabric_context | upper"}}
    write("clusters.yml", file)
    fresh = listed(tmp_path)
    entry = next((tmp_path / "cache").iterdir())
    # proof that the second run reads the cache: change what is stored, and see the change
    entry.write_text(entry.read_text().replace("KIND-EAST", "FROM-CACHE"))
    again = listed(tmp_path)
    assert again["_meta"]["hostvars"]["east"].pop("shout") == "FROM-CACHE"
    assert fresh["_meta"]["hostvars"]["east"].pop("shout") == "KIND-EAST"
    assert again == fresh
    # a changed option and a changed kubeconfig make it worthless
    write("clusters.yml", file | {"compose": {"shout": "fabric_context | lower"}})
    assert listed(tmp_path)["_meta"]["hostvars"]["east"]["shout"] == "kind-east"
    write("kubeconfig", kubeconfig("kind-east", "kind-west", "kind-north", "prod"))
    assert "north" in listed(tmp_path)["clusters"]["hosts"]


def test_a_cached_inventory_still_renders_the_operators_templates(tmp_path: Path, lab: Path, write: Write) -> None:
    write("clusters.yml", FILE | cached(tmp_path))
    listed(tmp_path)
    stored = [path.read_text() for path in (tmp_path / "cache").iterdir()]
    run = ansible(tmp_path, "adhoc", "-i", "clusters.yml", "east", "-m", "debug", "-a", "msg='<{{ greeting }}>'")
    assert "<east is lab>" in run.stdout, run.stdout + run.stderr
    assert stored == [path.read_text() for path in (tmp_path / "cache").iterdir()]


def test_file_names(tmp_path: Path, lab: Path, write: Write) -> None:
    for name in ("clusters.yaml", "fleet.clusters.yml", "myclusters.yml"):
        write(name, FILE | {"sources": [{"clusters": {name[:2]: {}}}], "variables": {}})
    good = ansible(tmp_path, "inventory", "-i", "clusters.yaml", "-i", "fleet.clusters.yml", "--graph")
    assert "--cl" in good.stdout, good.stderr
    assert "--fl" in good.stdout, good.stderr
    other = ansible(tmp_path, "inventory", "-i", "myclusters.yml", "--graph")
    assert other.returncode != 0
    assert "could not be verified by inventory plugin" in other.stderr


def test_documentation_renders(tmp_path: Path) -> None:
    run = ansible(tmp_path, "doc", "-t", "inventory", "clusterset.fabric.clusters")
    assert run.returncode == 0, run.stderr
    for word in ("cluster_profiles", "keyed_groups", "cache_connection", "EXAMPLES"):
        assert word in run.stdout
