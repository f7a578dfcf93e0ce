"""Which network plugin is found, and what is told of it."""

from __future__ import annotations

import pytest

from ansible_collections.clusterset.fabric.plugins.module_utils.facts.plugin import detect
from ansible_collections.clusterset.fabric.plugins.module_utils.facts.raw import Raw
from tests.unit.facts.objects import config_map, daemon_set, kind_cluster, node, pool

CALICO = daemon_set("calico-node", image="registry/node:v3.32.1", labels={"k8s-app": "calico-node"})
FLANNEL = daemon_set(
    "kube-flannel-ds", image="r/flannel:v0.28.9", namespace="kube-flannel", config_map="kube-flannel-cfg"
)


def test_flannel() -> None:
    found = detect(kind_cluster(), "nftables")
    assert (found.name, found.version, found.namespace) == ("flannel", "v0.28.9", "kube-flannel")
    assert (found.data_plane, found.backend, found.mtu, found.ready) == ("iptables", "vxlan", 0, True)


def test_flannel_settings_come_from_its_configuration() -> None:
    text = '{"Network": "10.41.0.0/16", "EnableNFTables": true, "Backend": {"Type": "host-gw", "MTU": 1400}}'
    found = detect(kind_cluster(plugin_config=config_map("kube-flannel-cfg", net_conf__json=text)), "")
    assert (found.data_plane, found.backend, found.mtu) == ("nftables", "host-gw", 1400)


@pytest.mark.parametrize(
    ("crds", "service", "api"),
    [
        ({"ippools.projectcalico.org"}, {}, "native"),
        ({"ippools.crd.projectcalico.org"}, {"name": "calico-api"}, "aggregated"),
        ({"ippools.crd.projectcalico.org"}, {}, "v1"),
        (set(), {}, ""),
    ],
)
def test_calico_api(crds: set[str], service: dict[str, str], api: str) -> None:
    raw = Raw(daemon_sets=[CALICO], crds=frozenset(crds), calico_api_service={"spec": {"service": service}})
    assert detect(raw, "iptables").api == api


@pytest.mark.parametrize(
    ("felix", "kube_proxy", "plane"),
    [
        ({}, "nftables", "nftables"),
        ({}, "iptables", "iptables"),
        ({}, "ipvs", "iptables"),
        ({}, "", ""),
        ({"nftablesMode": "Enabled"}, "", "nftables"),
        ({"nftablesMode": "Disabled"}, "nftables", "iptables"),
        ({"bpfEnabled": True}, "iptables", "ebpf"),
    ],
)
def test_calico_data_plane(felix: dict[str, object], kube_proxy: str, plane: str) -> None:
    assert detect(Raw(daemon_sets=[CALICO], calico_felix={"spec": felix}), kube_proxy).data_plane == plane


@pytest.mark.parametrize(
    ("pools", "backend"),
    [
        ([pool("10.41.0.0/16", vxlanMode="Always", ipipMode="Never")], "vxlan"),
        ([pool("10.41.0.0/16", vxlanMode="Never", ipipMode="CrossSubnet")], "ipip"),
        ([pool("10.41.0.0/16", vxlanMode="Never", ipipMode="Never")], "bgp"),
    ],
)
def test_calico_backend(pools: list[dict[str, object]], backend: str) -> None:
    assert detect(Raw(daemon_sets=[CALICO], calico_pools=pools), "").backend == backend


def test_calico_version_of_the_operator_is_trusted_more_than_the_tag() -> None:
    raw = Raw(daemon_sets=[CALICO], calico_installation={"status": {"calicoVersion": "v3.33.1", "mtu": 1400}})
    found = detect(raw, "")
    assert (found.version, found.mtu) == ("v3.33.1", 1400)


def test_canal_comes_before_its_two_halves() -> None:
    canal = daemon_set("canal", image="r/flannel:v0.24.4", labels={"k8s-app": "canal"}, config_map="canal-config")
    found = detect(kind_cluster(daemon_sets=[FLANNEL, CALICO, canal]), "")
    assert (found.name, found.also) == ("canal", ("calico", "flannel"))


def test_calico_for_policy_beside_flannel_is_canal() -> None:
    policy = daemon_set("calico-node", image="r/node:v3.32.1", environment={"CALICO_NETWORKING_BACKEND": "none"})
    found = detect(kind_cluster(daemon_sets=[policy, FLANNEL]), "")
    assert (found.name, found.version, found.backend, found.also) == ("canal", "v3.32.1", "vxlan", ())


def test_two_plugins_are_both_named() -> None:
    found = detect(
        kind_cluster(daemon_sets=[CALICO, FLANNEL], calico_pools=[pool("10.0.0.0/8", vxlanMode="Always")]), ""
    )
    assert (found.name, found.also) == ("calico", ("flannel",))


def test_a_plugin_without_ready_pods_yields_to_one_that_has_some() -> None:
    broken = daemon_set("calico-node", ready=0)
    found = detect(kind_cluster(daemon_sets=[broken, FLANNEL]), "")
    assert (found.name, found.ready, found.also) == ("flannel", True, ("calico",))


def test_a_plugin_that_wants_no_pod_is_a_leftover() -> None:
    assert detect(Raw(daemon_sets=[daemon_set("calico-node", ready=0, wanted=0)]), "").name == "none"


def test_a_rollout_in_progress_is_not_ready() -> None:
    moving = daemon_set("kube-flannel-ds")
    moving["metadata"]["generation"] = 2
    assert not detect(Raw(daemon_sets=[moving]), "").ready
    assert not detect(Raw(daemon_sets=[daemon_set("kindnet", ready=1)]), "").ready


@pytest.mark.parametrize(
    ("name", "plugin"),
    [
        ("weave-net", "weave"),
        ("cilium", "cilium"),
        ("kindnet", "kindnet"),
        ("antrea-agent", "other"),
        ("aws-node", "other"),
    ],
)
def test_plugins_that_are_only_adopted(name: str, plugin: str) -> None:
    found = detect(Raw(daemon_sets=[daemon_set(name, image="r/x:v1.20.1@sha256:00")]), "")
    assert (found.name, found.version) == (plugin, "v1.20.1")


def test_a_ready_node_without_any_known_daemon_set_has_some_plugin() -> None:
    assert detect(Raw(nodes=[node("a"), node("b", ready=False)]), "").name == "other"
    assert detect(Raw(nodes=[node("a", ready=False)]), "").name == "none"


def test_flannel_inside_k3s_is_known_by_its_annotation() -> None:
    found = detect(Raw(nodes=[node("a", annotations={"flannel.alpha.coreos.com/backend-type": "vxlan"})]), "")
    assert (found.name, found.backend) == ("flannel", "vxlan")
