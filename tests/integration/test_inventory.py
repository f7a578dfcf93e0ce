"""The inventory plugin on real clusters: kind clusters found, ClusterProfiles of a real hub followed to a cluster."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.integration.running import RunningLab

HUB = "north"
NAMESPACE = "fabric-test-hub"
GROUP = "multicluster.x-k8s.io"
OPEN = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
CRD = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {
        "name": f"clusterprofiles.{GROUP}",
        "annotations": {"api-approved.kubernetes.io": "https://github.com/kubernetes/enhancements/issues/4322"},
    },
    "spec": {
        "group": GROUP,
        "scope": "Namespaced",
        "names": {"kind": "ClusterProfile", "plural": "clusterprofiles", "singular": "clusterprofile"},
        "versions": [
            {
                "name": "v1alpha1",
                "served": True,
                "storage": True,
                "subresources": {"status": {}},
                "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": OPEN, "status": OPEN}}},
            }
        ],
    },
}


def inventory(lab: RunningLab, path: Path, *sources: dict[str, Any], **options: Any) -> tuple[dict[str, Any], str]:
    """What ``ansible-inventory --list`` says of these sources, parsed and as all that is printed at -vvvv."""
    file = {"plugin": "clusterset.fabric.clusters", "sources": list(sources), **options}
    path.write_text(yaml.safe_dump(file, sort_keys=False))
    everything = lab.run("ansible-inventory", "-i", path, "--list", "-vvvv")
    shown = json.loads(lab.run("ansible-inventory", "-i", path, "--list"))
    return shown, everything


def credentials(lab: RunningLab) -> list[str]:
    """Every key, certificate and token of the lab's kubeconfig."""
    users = yaml.safe_load(lab.kubeconfig.read_text())["users"]
    found = [value for user in users for value in user["user"].values() if isinstance(value, str)]
    assert found
    return found


def apply(lab: RunningLab, path: Path, manifest: dict[str, Any], *words: str) -> None:
    """Server-side apply of one manifest on the hub."""
    path.write_text(json.dumps(manifest))
    lab.kubectl(HUB, "apply", "--server-side", "--force-conflicts", "-f", str(path), *words)


@pytest.fixture
def hub(lab: RunningLab, tmp_path: Path) -> Iterator[RunningLab]:
    """The lab with ClusterProfile served by the hub, and a namespace for some; both gone afterwards."""
    had = lab.kubectl(HUB, "get", "crd", f"clusterprofiles.{GROUP}", "--ignore-not-found", "-o", "name").strip()
    if not had:
        apply(lab, tmp_path / "crd.json", CRD)
        lab.kubectl(HUB, "wait", "--for=condition=Established", f"crd/clusterprofiles.{GROUP}", "--timeout=60s")
    apply(lab, tmp_path / "ns.json", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
    yield lab
    lab.kubectl(HUB, "delete", "namespace", NAMESPACE, "--wait=false")
    if not had:
        lab.kubectl(HUB, "delete", "crd", f"clusterprofiles.{GROUP}")


def profile(lab: RunningLab, path: Path, name: str, labels: dict[str, str], status: dict[str, Any]) -> None:
    """Create one ClusterProfile as a cluster manager does: the object, then its status."""
    manifest: dict[str, Any] = {
        "apiVersion": f"{GROUP}/v1alpha1",
        "kind": "ClusterProfile",
        "metadata": {"name": name, "namespace": NAMESPACE, "labels": labels},
        "spec": {"displayName": name, "clusterManager": {"name": "test"}},
    }
    apply(lab, path, manifest)
    del manifest["spec"]
    apply(lab, path, manifest | {"status": status}, "--subresource=status")


def test_kind_clusters_are_found_without_docker(lab: RunningLab, tmp_path: Path) -> None:
    shown, everything = inventory(lab, tmp_path / "clusters.yml", {"kind": True})
    assert {"east", "west", "north"} <= set(shown["clusters"]["hosts"])
    east = shown["_meta"]["hostvars"]["east"]
    assert (east["fabric_kubeconfig"], east["fabric_context"]) == (str(lab.kubeconfig), "kind-east")
    for secret in credentials(lab):
        assert secret not in everything


def test_cluster_profiles_lead_to_a_cluster(hub: RunningLab, tmp_path: Path) -> None:
    """A host of a profile is named, labelled and identified by the hub, and reached by the program given here."""
    details = yaml.safe_load(hub.kubeconfig.read_text())["clusters"]
    east = next(item["cluster"] for item in details if item["name"] == "kind-east")
    profile(
        hub,
        tmp_path / "p.json",
        "lisbon",
        {"region": "eu-west", "env": "prod"},
        {
            "accessProviders": [{"name": "company-sso", "cluster": east}],
            "properties": [
                {"name": "cluster.clusterset.k8s.io", "value": "lx1"},
                {"name": "trap", "value": "{{ lookup('ansible.builtin.pipe', 'id') }}"},
            ],
        },
    )
    profile(hub, tmp_path / "p.json", "west", {"env": "prod"}, {})
    profile(hub, tmp_path / "p.json", "ignored", {"env": "dev"}, {})

    token = hub.kubectl("east", "create", "token", "default", "-n", "kube-system").strip()
    answer = {"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": {"token": token}}
    (tmp_path / "answer.json").write_text(json.dumps(answer))
    (tmp_path / "login").write_text(f"#!/bin/sh\ncat {tmp_path}/answer.json\n")
    (tmp_path / "login").chmod(0o700)

    source = {
        "cluster_profiles": {
            "kubeconfig": str(hub.kubeconfig),
            "context": f"kind-{HUB}",
            "namespace": NAMESPACE,
            "selector": "env=prod",
            "directory": "made",
            "access": {
                "company-sso": {"exec": {"command": "./login"}},
                "*": {"kubeconfig": str(hub.kubeconfig), "context": "kind-{name}"},
            },
        }
    }
    shown, everything = inventory(
        hub,
        tmp_path / "clusters.yml",
        source,
        cluster_groups={"region": "labels.region", "named": 'properties."cluster.clusterset.k8s.io" != null'},
    )
    assert shown["clusters"]["hosts"] == ["lisbon", "west"]
    hosts = shown["_meta"]["hostvars"]
    assert hosts["lisbon"]["fabric_cluster_id"] == "lx1"
    assert hosts["lisbon"]["fabric_labels"] == {"region": "eu-west", "env": "prod"}
    assert (hosts["west"]["fabric_context"], hosts["west"]["fabric_cluster_id"]) == ("kind-west", "west")
    assert shown["region_eu_west"]["hosts"] == ["lisbon"]
    assert shown["named"]["hosts"] == ["lisbon"]

    made = hosts["lisbon"]["fabric_kubeconfig"]
    assert Path(made).parent == tmp_path / "made"
    who = hub.run("kubectl", "--kubeconfig", made, "auth", "whoami", "-o", "json")
    assert json.loads(who)["status"]["userInfo"]["username"] == "system:serviceaccount:kube-system:default"
    for secret in [*credentials(hub), token]:
        assert secret not in everything
        assert secret not in Path(made).read_text()


def test_a_hub_without_cluster_profiles_is_named(lab: RunningLab, tmp_path: Path) -> None:
    path = tmp_path / "clusters.yml"
    hub = {"kubeconfig": str(lab.kubeconfig), "context": "kind-east", "access": {"*": {"kubeconfig": "{name}"}}}
    path.write_text(yaml.safe_dump({"plugin": "clusterset.fabric.clusters", "sources": [{"cluster_profiles": hub}]}))
    said = " ".join(lab.run("ansible-inventory", "-i", path, "--graph", codes=(0, 1)).split())
    assert "sources[0].cluster_profiles: the hub serves no multicluster.x-k8s.io/v1alpha1" in said
