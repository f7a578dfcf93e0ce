"""Facts of real clusters: they equal what the lab was asked to build, and need no more rights than documented."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from ansible_collections.clusterset.fabric.plugins.module_utils.client.fleet import fleet
from ansible_collections.clusterset.fabric.plugins.module_utils.client.types import ClusterRef, Outcome
from ansible_collections.clusterset.fabric.plugins.module_utils.facts.collect import collect
from ansible_collections.clusterset.fabric.plugins.module_utils.facts.types import ClusterFacts
from tests.integration.running import ROOT, RunningLab, lab_home
from tests.lab.spec import ClusterSpec, from_mapping

NAMES = ("east", "west", "north")
READER = "fabric-test-reader"
DEADLINE = 30.0  # seconds for one cluster


def read(*refs: ClusterRef) -> dict[str, Outcome[ClusterFacts]]:
    return dict(asyncio.run(fleet(refs, collect, deadline=DEADLINE)))


def specs() -> dict[str, ClusterSpec]:
    """What the running lab was asked to be, by cluster."""
    state = json.loads((lab_home() / "state.json").read_text())
    return {cluster.name: cluster for cluster in from_mapping(state["spec"]).clusters}


@pytest.fixture(scope="module")
def facts(lab: RunningLab) -> dict[str, ClusterFacts]:
    refs = [ClusterRef(name, kubeconfig=str(lab.kubeconfig), context=f"kind-{name}") for name in NAMES]
    outcomes = read(*refs)
    assert {name: outcome.error for name, outcome in outcomes.items() if outcome.error} == {}
    return {name: outcome.value for name, outcome in outcomes.items() if outcome.value}


@pytest.mark.parametrize("name", NAMES)
def test_facts_equal_what_was_built(facts: dict[str, ClusterFacts], name: str) -> None:
    found, spec = facts[name], specs()[name]
    assert (found.cluster, found.flavour, found.dns) == (name, "kind", "coredns")
    assert found.pod_cidrs == (spec.pod_range,)
    assert found.service_cidrs == (spec.service_range,)
    assert found.kube_proxy == spec.proxy_mode
    assert found.disagreements == ()
    assert {node.name for node in found.nodes} == set(spec.nodes)
    assert sum(node.control_plane for node in found.nodes) == spec.control_planes
    assert [node.name for node in found.nodes if node.schedulable] == sorted(spec.nodes[spec.control_planes :])


@pytest.mark.parametrize("name", NAMES)
def test_the_api_server_agrees(lab: RunningLab, facts: dict[str, ClusterFacts], name: str) -> None:
    found = facts[name]
    (system,) = lab.objects(name, "namespace", "kube-system")
    assert found.uid == system["metadata"]["uid"]
    assert found.version == json.loads(lab.kubectl(name, "version", "-o", "json"))["serverVersion"]["gitVersion"]
    addresses = {
        item["metadata"]["name"]: [
            each["address"] for each in item["status"]["addresses"] if each["type"] == "InternalIP"
        ]
        for item in lab.objects(name, "nodes")
    }
    assert {node.name: list(node.internal) for node in found.nodes} == addresses


@pytest.mark.parametrize("name", NAMES)
def test_the_plugin_is_what_makes_nodes_ready(facts: dict[str, ClusterFacts], name: str) -> None:
    found = facts[name]
    if specs()[name].plugin == "lab":  # a plugin that nobody knows is adopted as "other"
        assert (found.plugin.name, found.plugin.ready) == ("other", True)
    elif any(node.ready for node in found.nodes):
        assert (found.plugin.name, found.plugin.namespace, found.plugin.backend) == ("flannel", "kube-flannel", "vxlan")
        assert found.plugin.version.startswith("v0.")
    else:
        assert found.plugin.name == "none"


@pytest.fixture
def reader(lab: RunningLab, tmp_path: Path) -> Iterator[ClusterRef]:
    """A ServiceAccount in west that has no rights yet."""
    lab.kubectl("west", "create", "serviceaccount", READER, "-n", "default")
    token = lab.kubectl("west", "create", "token", READER, "-n", "default").strip()
    config = yaml.safe_load(lab.kubeconfig.read_text())
    (cluster,) = [item for item in config["clusters"] if item["name"] == "kind-west"]
    context = {"name": "reader", "context": {"cluster": "kind-west", "user": "reader"}}
    user = {"name": "reader", "user": {"token": token}}
    path = tmp_path / "kubeconfig"
    path.write_text(yaml.safe_dump({"clusters": [cluster], "contexts": [context], "users": [user]}))
    path.chmod(0o600)
    yield ClusterRef("west", kubeconfig=str(path), context="reader")
    lab.kubectl("west", "delete", "serviceaccount", READER, "-n", "default")
    lab.kubectl("west", "delete", "clusterrole,clusterrolebinding", READER, "--ignore-not-found")


def documented_role() -> str:
    """The ClusterRole of docs/network-plugins.md, under the test's own name."""
    text = (ROOT / "docs" / "network-plugins.md").read_text()
    blocks = [block.partition("```")[0] for block in text.split("```yaml\n")[1:]]
    (role,) = [yaml.safe_load(block) for block in blocks if "kind: ClusterRole\n" in block]
    role["metadata"]["name"] = READER
    return json.dumps(role)


def test_the_documented_rights_suffice_and_less_is_named(
    lab: RunningLab, facts: dict[str, ClusterFacts], reader: ClusterRef, tmp_path: Path
) -> None:
    refused = read(reader)["west"].error
    assert refused is not None
    assert refused.cluster == "west"
    for right in ("list nodes", "list daemonsets.apps", "list configmaps in kube-system", "get namespaces"):
        assert right in refused.message

    path = tmp_path / "role.json"
    path.write_text(documented_role())
    lab.kubectl("west", "create", "-f", str(path))
    bind = ("create", "clusterrolebinding", READER, f"--clusterrole={READER}", f"--serviceaccount=default:{READER}")
    lab.kubectl("west", *bind)
    allowed = read(reader)["west"]
    assert allowed.error is None
    assert allowed.value is not None
    assert allowed.value.uid == facts["west"].uid
    assert allowed.value.pod_cidrs == facts["west"].pod_cidrs
