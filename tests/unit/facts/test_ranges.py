"""Pod and service ranges: agreement, disagreement, and nothing guessed."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.clusterset.fabric.plugins.module_utils.facts.conclude import conclude
from ansible_collections.clusterset.fabric.plugins.module_utils.facts.ranges import networks, settle
from ansible_collections.clusterset.fabric.plugins.module_utils.facts.raw import Raw
from tests.unit.facts.objects import daemon_set, kind_cluster, kubeadm, node, pool, proxy

CALICO = daemon_set("calico-node", image="r/node:v3.32.1")
NATIVE = frozenset({"ippools.projectcalico.org"})


def facts(raw: Raw) -> Any:
    return conclude("east", raw)


def test_sources_that_agree() -> None:
    found = facts(kind_cluster())
    assert found.pod_cidrs == ("10.41.0.0/16",)
    assert found.service_cidrs == ("10.141.0.0/16",)
    assert found.disagreements == ()


def test_a_plugin_with_another_range_is_a_disagreement_and_no_range() -> None:
    raw = kind_cluster(daemon_sets=[CALICO], crds=NATIVE, calico_pools=[pool("192.168.0.0/16", vxlanMode="Always")])
    found = facts(raw)
    assert found.pod_cidrs == ()
    (dispute,) = found.disagreements
    assert dispute.subject == "pod ranges"
    assert dispute.values["calico"] == "192.168.0.0/16"
    assert dispute.values["kubeadm-config"] == "10.41.0.0/16"


def test_calico_pools_that_do_not_count() -> None:
    pools = [
        pool("10.41.0.0/17"),
        pool("10.42.0.0/16", disabled=True),
        pool("10.43.0.0/16", labels={"fabric.clusterset.io/peer": "west"}),
        pool("10.44.0.0/16", allowedUses=["Tunnel"]),
    ]
    found = facts(kind_cluster(daemon_sets=[CALICO], crds=NATIVE, calico_pools=pools))
    assert (found.pod_cidrs, found.disagreements) == (("10.41.0.0/16",), ())


def test_calico_alone_is_believed() -> None:
    raw = Raw(daemon_sets=[CALICO], calico_pools=[pool("10.1.0.0/16"), pool("10.9.0.0/16"), pool("fd00:1::/64")])
    assert facts(raw).pod_cidrs == ("10.1.0.0/16", "10.9.0.0/16", "fd00:1::/64")


def test_node_slices_alone_are_no_cluster_range() -> None:
    assert facts(Raw(nodes=[node("a", slices=("10.0.1.0/24",))])).pod_cidrs == ()


def test_node_slices_outside_of_the_range_are_reported() -> None:
    raw = kind_cluster()
    raw.nodes.append(node("odd", slices=("10.50.3.0/24",)))
    (dispute,) = facts(raw).disagreements
    assert dispute.values["Node.spec.podCIDRs"] == "10.50.3.0/24"


def test_calico_ignores_node_slices_and_so_do_we() -> None:
    raw = kind_cluster(daemon_sets=[CALICO], calico_pools=[pool("10.41.0.0/16")])
    raw.nodes.append(node("odd", slices=("10.50.3.0/24",)))
    assert facts(raw).disagreements == ()


def test_further_service_ranges_are_all_read() -> None:
    raw = kind_cluster()
    raw.service_cidrs.append({"metadata": {"name": "more"}, "spec": {"cidrs": ["10.150.0.0/24"]}})
    assert facts(raw).service_cidrs == ("10.141.0.0/16", "10.150.0.0/24")


def test_service_sources_that_disagree() -> None:
    found = facts(kind_cluster(config_maps=[kubeadm(services="10.96.0.0/12"), proxy()]))
    assert found.service_cidrs == ()
    assert found.disagreements[0].subject == "service ranges"
    assert found.disagreements[0].values["ServiceCIDR"] == "10.141.0.0/16"


@pytest.mark.parametrize(
    ("words", "pods", "services"),
    [
        ('["server"]', "10.42.0.0/16", "10.43.0.0/16"),
        ('["server", "--cluster-cidr", "10.7.0.0/16", "--service-cidr=10.8.0.0/16"]', "10.7.0.0/16", "10.8.0.0/16"),
    ],
)
def test_k3s(words: str, pods: str, services: str) -> None:
    found = facts(
        Raw(nodes=[node("a", annotations={"k3s.io/node-args": words})], version={"gitVersion": "v1.35.1+k3s1"})
    )
    assert (found.flavour, found.pod_cidrs, found.service_cidrs) == ("k3s", (pods,), (services,))


def test_openshift() -> None:
    status = {"clusterNetwork": [{"cidr": "10.128.0.0/14", "hostPrefix": 23}], "serviceNetwork": ["172.30.0.0/16"]}
    found = facts(Raw(openshift_network={"status": status}, crds=frozenset({"clusterversions.config.openshift.io"})))
    assert (found.flavour, found.pod_cidrs, found.service_cidrs) == (
        "openshift",
        ("10.128.0.0/14",),
        ("172.30.0.0/16",),
    )


def test_other_plugins_tell_their_range() -> None:
    weave = daemon_set("weave-net")
    assert facts(Raw(daemon_sets=[weave])).pod_cidrs == ("10.32.0.0/12",)
    kindnet = daemon_set("kindnet", environment={"POD_SUBNET": "10.244.0.0/16,fd00:10::/56"})
    assert facts(Raw(daemon_sets=[kindnet])).pod_cidrs == ("10.244.0.0/16", "fd00:10::/56")
    config = {
        "metadata": {"name": "cilium-config"},
        "data": {"ipam": "cluster-pool", "cluster-pool-ipv4-cidr": "10.1.0.0/16 10.2.0.0/16"},
    }
    found = facts(Raw(daemon_sets=[daemon_set("cilium")], config_maps=[config]))
    assert found.pod_cidrs == ("10.1.0.0/16", "10.2.0.0/16")


def test_kube_proxy_range_counts_only_in_the_mode_that_uses_it() -> None:
    ignored = kind_cluster(config_maps=[kubeadm(), proxy(cidr="10.0.0.0/8", detectLocalMode="NodeCIDR")])
    assert facts(ignored).disagreements == ()
    used = kind_cluster(config_maps=[kubeadm(), proxy(cidr="10.0.0.0/8")])
    assert facts(used).disagreements[0].values["kube-proxy"] == "10.0.0.0/8"


def test_families_are_settled_apart() -> None:
    said = {"a": networks("10.0.0.0/16"), "b": networks("10.0.0.0/16,fd00::/56"), "c": networks("fd01::/56")}
    settled, disputes = settle("pod ranges", said)
    assert settled == ("10.0.0.0/16",)
    assert disputes[0].values == {"b": "fd00::/56", "c": "fd01::/56"}


def test_a_damaged_configuration_is_no_source() -> None:
    broken = {"metadata": {"name": "kubeadm-config"}, "data": {"ClusterConfiguration": "a: [b"}}
    assert facts(Raw(config_maps=[broken])).pod_cidrs == ()
