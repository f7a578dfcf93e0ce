"""The patches: each does its work, and refuses a manifest that it does not fit."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from ansible_collections.clusterset.fabric.plugins.module_utils.errors import FabricError
from ansible_collections.clusterset.fabric.plugins.module_utils.objects.network_plugin.build import (
    api_of,
    network_plugin_objects,
)
from ansible_collections.clusterset.fabric.plugins.module_utils.objects.network_plugin.manifest import Certificate
from tests.unit.network_plugin.manifests import AGGREGATED, CALICO, FLANNEL, NATIVE, OPERATOR, upstream

POD = "10.41.0.0/16"
SERVER = Certificate("CERTIFICATE", "KEY")


def build(name: str, text: str, version: str = "", **settings: Any) -> dict[tuple[str, str], Any]:
    settings = {"pod_cidrs": [POD], "kubernetes_version": "v1.36.3", **settings}
    made = network_plugin_objects(name, version, text, **settings)
    return {(item["kind"], item["metadata"]["name"]): item for item in made}


def flannel_configuration(**settings: Any) -> Any:
    return json.loads(build("flannel", FLANNEL, **settings)["ConfigMap", "kube-flannel-cfg"]["data"]["net-conf.json"])


def calico_node(made: dict[tuple[str, str], Any]) -> tuple[dict[str, Any], dict[str, str]]:
    container = made["DaemonSet", "calico-node"]["spec"]["template"]["spec"]["containers"][0]
    return container, {entry["name"]: entry["value"] for entry in container["env"] if "value" in entry}


def test_flannel() -> None:
    found = flannel_configuration()
    assert (found["Network"], found["EnableNFTables"]) == (POD, False)
    assert found["Backend"] == {"Type": "vxlan", "VNI": 7}


def test_flannel_gets_the_mtu_of_the_network_below() -> None:
    assert flannel_configuration(mtu=1370)["Backend"]["MTU"] == 1420
    assert flannel_configuration(mtu=1370, backend="wireguard")["Backend"] == {"Type": "wireguard", "MTU": 1450}
    assert flannel_configuration(mtu=1500, backend="host-gw")["Backend"] == {"Type": "host-gw"}


def test_flannel_data_plane() -> None:
    assert flannel_configuration(data_plane="nftables")["EnableNFTables"] is True
    assert flannel_configuration(data_plane="iptables")["EnableNFTables"] is False


def test_what_only_a_server_writes_is_taken_out() -> None:
    made = build("flannel", FLANNEL)
    assert "status" not in made["DaemonSet", "kube-flannel-ds"]
    assert made["Namespace", "kube-flannel"] == {
        "kind": "Namespace",
        "apiVersion": "v1",
        "metadata": {"name": "kube-flannel"},
    }


def test_calico_without_bgp() -> None:
    made = build("calico", CALICO, mtu=1450)
    container, variables = calico_node(made)
    assert made["ConfigMap", "calico-config"]["data"] == {"calico_backend": "vxlan", "veth_mtu": "1450"}
    assert variables == {
        "CLUSTER_TYPE": "k8s",
        "CALICO_IPV4POOL_IPIP": "Never",
        "CALICO_IPV4POOL_VXLAN": "Always",
        "CALICO_IPV4POOL_CIDR": POD,
    }
    assert container["livenessProbe"]["exec"]["command"] == ["calico-node", "-felix-live"]
    assert container["readinessProbe"]["exec"]["command"] == ["calico-node", "-felix-ready"]


def test_calico_data_plane() -> None:
    assert calico_node(build("calico", CALICO, data_plane="nftables"))[1]["FELIX_NFTABLESMODE"] == "Enabled"


def test_native_api_without_certificates_has_no_webhooks() -> None:
    made = build("calico", CALICO + NATIVE)
    assert not [key for key in made if key[1] == "calico-webhooks"]
    assert made["MutatingAdmissionPolicy", "types"]["apiVersion"] == "admissionregistration.k8s.io/v1"
    assert made["MutatingAdmissionPolicyBinding", "types"]["apiVersion"] == "admissionregistration.k8s.io/v1"
    assert api_of(made.values()) == "native"


def test_a_kubernetes_that_has_only_the_beta_keeps_it() -> None:
    made = build("calico", CALICO + NATIVE, kubernetes_version="v1.35.0")
    assert made["MutatingAdmissionPolicy", "types"]["apiVersion"] == "admissionregistration.k8s.io/v1beta1"


def test_webhooks_with_a_certificate() -> None:
    made = build("calico", CALICO + NATIVE, certificates={"calico-webhooks": SERVER})
    bundles = [
        each["clientConfig"]["caBundle"]
        for each in made["ValidatingWebhookConfiguration", "calico-webhooks"]["webhooks"]
    ]
    assert bundles == [base64.b64encode(b"CERTIFICATE").decode()] * 2
    secret = made["Secret", "calico-webhooks-tls"]
    assert (secret["type"], set(secret["data"])) == ("kubernetes.io/tls", {"tls.crt", "tls.key"})


def test_aggregated_api() -> None:
    made = build("calico", CALICO + AGGREGATED, certificates={"calico-apiserver": SERVER})
    assert base64.b64decode(made["APIService", "v3.projectcalico.org"]["spec"]["caBundle"]) == b"CERTIFICATE"
    assert base64.b64decode(made["Secret", "calico-apiserver-certs"]["data"]["apiserver.key"]) == b"KEY"
    assert api_of(made.values()) == "aggregated"


def test_aggregated_api_without_a_certificate_is_refused() -> None:
    with pytest.raises(FabricError, match="needs a certificate"):
        build("calico", CALICO + AGGREGATED)


def test_operator() -> None:
    made = build("calico", OPERATOR, version="v3.32.1", mtu=1400, data_plane="nftables")
    assert made["Installation", "default"]["spec"]["calicoNetwork"] == {
        "bgp": "Disabled",
        "ipPools": [
            {
                "name": "default-ipv4-ippool",
                "blockSize": 26,
                "cidr": POD,
                "encapsulation": "VXLAN",
                "natOutgoing": "Enabled",
            }
        ],
        "mtu": 1400,
        "linuxDataplane": "Nftables",
    }
    assert ("Whisker", "default") not in made
    assert api_of(made.values()) == "aggregated"


def test_no_key_in_the_text_of_a_certificate() -> None:
    assert "KEY" not in repr(SERVER)


@pytest.mark.parametrize(
    ("name", "text", "old", "new", "patch"),
    [
        ("flannel", FLANNEL, "kube-flannel-cfg", "another", "flannel network"),
        ("flannel", FLANNEL, '"Network"', '"Net"', "flannel network"),
        ("flannel", FLANNEL, '"Backend"', '"Front"', "flannel backend"),
        ("calico", CALICO, "calico_backend", "renamed", "calico backend"),
        ("calico", CALICO, "CALICO_IPV4POOL_IPIP", "RENAMED", "calico pool"),
        ("calico", CALICO, "name: calico-node\n", "name: renamed\n", "calico pool"),
        ("calico", CALICO, "exec: {command", "http: {command", "calico probes"),
        ("calico", CALICO, "veth_mtu", "renamed", "calico mtu"),
        (
            "calico",
            OPERATOR,
            "name: default}\nspec: {calicoNetwork",
            "name: odd}\nspec: {calicoNetwork",
            "operator network",
        ),
    ],
)
def test_a_patch_without_its_target_names_itself(name: str, text: str, old: str, new: str, patch: str) -> None:
    assert old in text
    version = {"flannel": "v0.28.9", "calico": "v3.32.1"}[name]
    with pytest.raises(FabricError) as caught:
        build(name, text.replace(old, new), version=version, cluster="east")
    assert f"the patch '{patch}' finds no" in str(caught.value)
    assert f"{name} {version}" in str(caught.value)
    assert str(caught.value).startswith("east: ")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"pod_cidrs": []}, "one IPv4 pod range"),
        ({"pod_cidrs": [POD, "10.9.0.0/16"]}, "one IPv4 pod range"),
        ({"pod_cidrs": ["fd00::/56"]}, "one IPv4 pod range"),
        ({"backend": "udp"}, "not installed with the backend udp"),
        ({"version": "v0.27.0"}, "is of flannel v0.28.9, not v0.27.0"),
        ({"kubernetes_version": "v1.16.2"}, "does not support Kubernetes v1.16.2"),
    ],
)
def test_settings_that_cannot_be(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(FabricError, match=message):
        build("flannel", FLANNEL, **settings)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [b", "no YAML"),
        ("just: something", "no Kubernetes object"),
        ("text", "no Kubernetes object"),
        (CALICO.replace("node:v3.32.1", "node:1"), "does not tell its version"),
    ],
)
def test_manifests_that_cannot_be(text: str, message: str) -> None:
    with pytest.raises(FabricError, match=message):
        build("calico", text)


def test_the_same_input_gives_the_same_objects() -> None:
    assert build("calico", CALICO + NATIVE) == build("calico", CALICO + NATIVE)


@pytest.mark.parametrize("file", ["flannel-v0.28.9/kube-flannel.yml"])
def test_upstream_flannel(file: str) -> None:
    made = build("flannel", upstream(file), mtu=1400)
    assert len(made) == 6
    assert json.loads(made["ConfigMap", "kube-flannel-cfg"]["data"]["net-conf.json"])["Network"] == POD


@pytest.mark.parametrize("file", ["calico.yaml", "calico-vxlan.yaml", "calico-v3-crds.yaml"])
def test_upstream_calico(file: str) -> None:
    made = build("calico", upstream(f"calico-v3.32.1/{file}"))
    container, variables = calico_node(made)
    probes = [container[probe]["exec"]["command"] for probe in ("livenessProbe", "readinessProbe")]
    assert not [word for probe in probes for word in probe if "bird" in word]
    assert variables["CALICO_IPV4POOL_CIDR"] == POD
    assert "v1beta1" not in {item["apiVersion"].partition("/")[2] for item in made.values()}


def test_upstream_operator() -> None:
    files = ["v1_crd_projectcalico_org.yaml", "tigera-operator.yaml", "custom-resources.yaml"]
    text = "\n---\n".join(upstream(f"calico-v3.32.1/{file}") for file in files)
    made = build("calico", text, version="v3.32.1")
    assert made["Installation", "default"]["spec"]["calicoNetwork"]["ipPools"][0]["cidr"] == POD


def test_upstream_api_server() -> None:
    text = upstream("calico-v3.32.1/calico-vxlan.yaml") + "\n---\n" + upstream("calico-v3.32.1/apiserver.yaml")
    made = build("calico", text, kubernetes_version="v1.35.1", certificates={"calico-apiserver": SERVER})
    assert made["APIService", "v3.projectcalico.org"]["spec"]["caBundle"]
