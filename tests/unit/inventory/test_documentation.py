"""The inventory files in docs/inventory.md and in the plugin's EXAMPLES are accepted as they stand."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from tests.unit.inventory.samples import ROOT, complaints, kubeconfig


def documented() -> list[str]:
    """Each inventory file that the documentation shows, without those that need a hub."""
    blocks = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs" / "inventory.md").read_text(), re.S)
    plugin = (ROOT / "plugins" / "inventory" / "clusters.py").read_text()
    blocks += re.search(r'EXAMPLES = r"""(.*?)"""', plugin, re.S).group(1).split("\n---\n")
    return [block for block in blocks if "cluster_profiles:" not in block]


def test_examples_are_accepted(tmp_path: Path) -> None:
    contexts = {".kube/config": ["prod-one", "edge", "kind-east"], "credentials/lisbon.yaml": ["admin@lisbon"]}
    for name, names in {**contexts, "injected": ["one", "two"]}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(yaml.safe_dump(kubeconfig(*names)))
    files = {f"{number}.clusters.yml": block for number, block in enumerate(documented())}
    assert len(files) >= 6
    said = complaints(tmp_path, files, K8S_AUTH_KUBECONFIG=str(tmp_path / "injected"))
    assert {name: text for name, text in said.items() if text} == {}
