"""Upstream's Calico files as we change them, before real API servers; its images are not needed for that."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.clusterset.fabric.plugins.module_utils.objects.network_plugin.build import (
    network_plugin_objects,
)
from ansible_collections.clusterset.fabric.plugins.module_utils.objects.network_plugin.pools import calico_remote_pools
from tests.integration.running import RunningLab
from tests.unit.network_plugin.manifests import upstream

KINDS = ("installations.operator.tigera.io", "ippools.projectcalico.org")
DRY_RUN = ("apply", "--server-side", "--dry-run=server", "--field-manager=test", "-f")
ACCEPTED = "serverside-applied (server dry run)"


def accepted(lab: RunningLab, path: Path, objects: list[dict[str, Any]]) -> int:
    """How many objects a server-side dry run accepts: nothing is stored, every field and rule is checked."""
    path.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}))
    return lab.kubectl("west", *DRY_RUN, str(path)).count(ACCEPTED)


@pytest.fixture
def calico_kinds(lab: RunningLab, tmp_path: Path) -> Iterator[None]:
    """Installation and IPPool, as their makers define them, for a moment in west."""
    documents = yaml.load_all(upstream("calico-v3.32.1/v3_projectcalico_org.yaml"), Loader=yaml.CSafeLoader)
    definitions = [each for each in documents if each and each["metadata"]["name"] in KINDS]
    if lab.kubectl("west", "get", "crd", *KINDS, "--ignore-not-found", "-o", "name").strip():
        pytest.skip("west has kinds of Calico already; they are not ours to delete")
    path = tmp_path / "crds.json"
    path.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": definitions}))
    try:
        lab.kubectl("west", "apply", "--server-side", "-f", str(path))
        end = time.monotonic() + 30
        while not all(map(established, lab.objects("west", "crd", *KINDS))):
            assert time.monotonic() < end, "Calico's kinds are not served after 30 s"
            time.sleep(0.2)
        yield
    finally:
        lab.kubectl("west", "delete", "crd", *KINDS, "--ignore-not-found")


def established(definition: dict[str, Any]) -> bool:
    conditions = definition.get("status", {}).get("conditions") or []
    return any(each["type"] == "Established" and each["status"] == "True" for each in conditions)


@pytest.mark.usefixtures("calico_kinds")
def test_calicos_own_schemas_accept_what_we_write(lab: RunningLab, tmp_path: Path) -> None:
    installation = network_plugin_objects(
        "calico",
        "v3.32.1",
        upstream("calico-v3.32.1/custom-resources.yaml"),
        pod_cidrs=["10.42.0.0/16"],
        mtu=1400,
        data_plane="nftables",
        kubernetes_version="v1.36",
    )[0]
    assert installation["kind"] == "Installation"
    pools = calico_remote_pools({"east": ["10.41.0.0/16", "10.141.0.0/16", "10.9.9.0/28"]})
    assert accepted(lab, tmp_path / "resources.json", [installation, *pools]) == 4


@pytest.mark.parametrize("file", ["calico-v3-crds.yaml", "calico-vxlan.yaml"])
def test_a_real_api_server_accepts_the_manifests(lab: RunningLab, file: str, tmp_path: Path) -> None:
    text = upstream(f"calico-v3.32.1/{file}")
    settings: dict[str, Any] = {"pod_cidrs": ["10.42.0.0/16"], "mtu": 1400, "kubernetes_version": "v1.36"}
    objects = network_plugin_objects("calico", "", text, **settings)
    assert accepted(lab, tmp_path / "calico.json", objects) == len(objects)
