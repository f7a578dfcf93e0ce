"""Everything else the facts tell: nodes, flavour, kube-proxy, DNS, and what is ours."""

from __future__ import annotations

import pytest

from ansible_collections.clusterset.fabric.plugins.module_utils.facts.conclude import conclude
from ansible_collections.clusterset.fabric.plugins.module_utils.facts.raw import Raw
from ansible_collections.clusterset.fabric.plugins.module_utils.facts.services import image_version
from ansible_collections.clusterset.fabric.plugins.module_utils.facts.types import LinkKey
from tests.unit.facts.objects import daemon_set, kind_cluster, node, proxy

OURS = frozenset(f"{kind}.fabric.clusterset.io" for kind in ("fabrics", "gateways", "peers", "tunneladdresses"))


def test_a_whole_cluster() -> None:
    found = conclude("east", kind_cluster())
    assert (found.cluster, found.uid, found.version, found.flavour) == ("east", "0d1e", "v1.36.3", "kind")
    assert (found.kube_proxy, found.dns, found.dns_version) == ("nftables", "coredns", "1.12.2")
    first, second = found.nodes
    assert (first.name, first.control_plane, first.schedulable) == ("east-control-plane", True, False)
    assert (second.name, second.control_plane, second.schedulable) == ("east-worker", False, True)
    assert (second.internal, second.external, second.pod_cidrs) == (("172.18.0.2",), (), ("10.41.1.0/24",))


def test_the_same_objects_in_another_order_give_the_same_facts() -> None:
    raw = kind_cluster()
    raw.nodes.reverse()
    raw.config_maps.reverse()
    assert conclude("east", raw) == conclude("east", kind_cluster())


def test_a_cluster_that_answers_nothing_of_use() -> None:
    found = conclude("bare", Raw())
    assert (found.flavour, found.plugin.name, found.pod_cidrs, found.dns) == ("unknown", "none", (), "")


def test_passing_taints_do_not_count() -> None:
    fresh, kept = node("fresh"), node("kept")
    fresh["spec"]["taints"] = [{"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"}]
    kept["spec"]["unschedulable"] = True
    found = {each.name: each.schedulable for each in conclude("east", Raw(nodes=[fresh, kept])).nodes}
    assert found == {"fresh": True, "kept": False}


def test_what_annotations_say_of_a_gateway() -> None:
    notes = {"fabric.clusterset.io/endpoint": "203.0.113.7", "fabric.clusterset.io/drain": "true"}
    (found,) = conclude("c", Raw(nodes=[node("a", annotations=notes)])).nodes
    assert (found.endpoint, found.draining) == ("203.0.113.7", True)


@pytest.mark.parametrize(
    ("version", "labels", "flavour"),
    [
        ("v1.35.2-eks-113cf36", {}, "eks"),
        ("v1.35.1-gke.1000", {}, "gke"),
        ("v1.35.1", {"kubernetes.azure.com/cluster": "x"}, "aks"),
        ("v1.35.1+k3s1", {}, "k3s"),
        ("v1.35.1", {}, "unknown"),
    ],
)
def test_flavour(version: str, labels: dict[str, str], flavour: str) -> None:
    raw = Raw(version={"gitVersion": version}, nodes=[node("a", labels=labels)])
    assert conclude("c", raw).flavour == flavour


@pytest.mark.parametrize(
    ("mode", "expected"), [("", "iptables"), ("nftables", "nftables"), ("ipvs", "ipvs"), ("odd", "")]
)
def test_kube_proxy_mode(mode: str, expected: str) -> None:
    assert conclude("c", Raw(config_maps=[proxy(mode)])).kube_proxy == expected


def test_kube_proxy_elsewhere() -> None:
    flag = daemon_set("kube-proxy", arguments=("--proxy-mode=nftables",))
    assert conclude("c", Raw(daemon_sets=[flag], config_maps=[proxy()])).kube_proxy == "nftables"
    cilium = {"metadata": {"name": "cilium-config"}, "data": {"kube-proxy-replacement": "true"}}
    assert conclude("c", Raw(config_maps=[cilium])).kube_proxy == "none"
    k3s = node("a", annotations={"k3s.io/node-args": '["server", "--kube-proxy-arg", "proxy-mode=nftables"]'})
    assert conclude("c", Raw(nodes=[k3s])).kube_proxy == "nftables"
    assert conclude("c", Raw()).kube_proxy == ""


@pytest.mark.parametrize(
    ("image", "version"),
    [
        ("quay.io/calico/node:v3.32.1", "v3.32.1"),
        ("localhost:5000/coredns:1.12.2@sha256:abc", "1.12.2"),
        ("localhost:5000/coredns", ""),
        ("docker.io/local/flannel:1", ""),
        ("rajchaudhuri/weave-kube:latest", ""),
        ("", ""),
    ],
)
def test_image_version(image: str, version: str) -> None:
    assert image_version(image) == version


def test_nothing_of_ours() -> None:
    assert not conclude("c", Raw()).owned.installed


def test_what_is_ours() -> None:
    old, new = ({"generation": number, "publicKey": f"k{number}"} for number in (4, 5))
    raw = Raw(
        crds=OURS,
        fabrics=[
            {
                "metadata": {"name": "local", "creationTimestamp": "2026-01-01T00:00:00Z"},
                "spec": {
                    "clusterID": "east",
                    "index": 3,
                    "tunnelCIDR": "10.248.12.0/22",
                    "underlayMTU": 1500,
                    "state": "Active",
                    "keyGenerations": [4, 5],
                    "keysSince": "2026-02-01T00:00:00Z",
                },
            }
        ],
        gateways=[
            {
                "metadata": {"name": "b"},
                "spec": {"node": "b", "ordinal": 1, "endpoint": "192.0.2.2"},
            },
            {
                "metadata": {"name": "a"},
                "spec": {"node": "a", "ordinal": 0, "keys": [new, old], "tunnelAddress": "10.248.12.1"},
                "status": {"state": "Draining"},
            },
        ],
        peers=[{"metadata": {"name": "west"}}, {"metadata": {"name": "north"}}],
        tunnel_addresses=[{"status": {"underlayMTU": 1460}}, {"status": {"underlayMTU": 1500}}, {}],
        properties=[{"metadata": {"name": "cluster.clusterset.k8s.io"}, "spec": {"value": "east-1"}}],
    )
    found = conclude("east", raw)
    assert (found.owned.installed, found.owned.cluster_id, found.owned.index) == (True, "east", 3)
    assert [gateway.node for gateway in found.owned.gateways] == ["a", "b"]
    assert [gateway.keys for gateway in found.owned.gateways] == [(LinkKey(4, "k4"), LinkKey(5, "k5")), ()]
    assert [gateway.state for gateway in found.owned.gateways] == ["Draining", ""]
    assert found.owned.key_generations == (4, 5)
    assert (found.owned.keys_since, found.owned.joined) == ("2026-02-01T00:00:00Z", "2026-01-01T00:00:00Z")
    assert (found.owned.peers, found.owned.underlay_mtu) == (("north", "west"), 1460)
    assert (found.owned.tunnel_range, found.property_id) == ("10.248.12.0/22", "east-1")


def test_our_kinds_without_a_fabric_object() -> None:
    owned = conclude("east", Raw(crds=OURS)).owned
    assert (owned.installed, owned.index, owned.underlay_mtu) == (True, None, 0)


def test_receipts_tell_what_was_put_into_the_cluster_even_without_our_kinds() -> None:
    names = frozenset({"fabric-receipt-links", "fabric-receipt-agent", "kube-root-ca.crt"})
    assert conclude("east", Raw(receipts=names)).owned.bundles == ("agent", "links")
