"""Small API objects, by hand: what a cluster would answer, cut down to what the facts read."""

from __future__ import annotations

from typing import Any

from ansible_collections.clusterset.fabric.plugins.module_utils.facts.raw import Raw

Item = dict[str, Any]


def node(name: str, *, ready: bool = True, slices: tuple[str, ...] = (), **metadata: Any) -> Item:
    return {
        "metadata": {"name": name, **metadata},
        "spec": {"podCIDRs": list(slices)},
        "status": {
            "addresses": [{"type": "InternalIP", "address": "172.18.0.2"}, {"type": "Hostname", "address": name}],
            "conditions": [{"type": "Ready", "status": "True" if ready else "False"}],
        },
    }


def daemon_set(
    name: str,
    *,
    image: str = "",
    namespace: str = "kube-system",
    ready: int = 2,
    wanted: int = 2,
    environment: dict[str, str] | None = None,
    config_map: str = "",
    labels: dict[str, str] | None = None,
    arguments: tuple[str, ...] = (),
) -> Item:
    container = {
        "name": "main",
        "image": image,
        "args": list(arguments),
        "env": [{"name": key, "value": value} for key, value in (environment or {}).items()],
    }
    volumes = [{"name": "config", "configMap": {"name": config_map}}] if config_map else []
    return {
        "metadata": {"name": name, "namespace": namespace, "labels": labels or {}, "generation": 1},
        "spec": {"template": {"spec": {"containers": [container], "volumes": volumes}}},
        "status": {
            "desiredNumberScheduled": wanted,
            "numberReady": ready,
            "updatedNumberScheduled": wanted,
            "observedGeneration": 1,
        },
    }


def config_map(name: str, **data: str) -> Item:
    return {
        "metadata": {"name": name},
        "data": {key.replace("__", ".").replace("_", "-"): text for key, text in data.items()},
    }


def static_pod(component: str, *arguments: str) -> Item:
    return {
        "metadata": {"name": component, "labels": {"component": component}},
        "spec": {"containers": [{"command": [component, *arguments]}]},
    }


def pool(cidr: str, *, labels: dict[str, str] | None = None, **spec: Any) -> Item:
    return {"metadata": {"name": cidr.replace("/", "-"), "labels": labels or {}}, "spec": {"cidr": cidr, **spec}}


def kubeadm(pods: str = "10.41.0.0/16", services: str = "10.141.0.0/16") -> Item:
    text = f"kind: ClusterConfiguration\nnetworking:\n  podSubnet: {pods}\n  serviceSubnet: {services}\n"
    return {"metadata": {"name": "kubeadm-config"}, "data": {"ClusterConfiguration": text}}


def proxy(mode: str = "", cidr: str = "10.41.0.0/16", **more: str) -> Item:
    text = f"kind: KubeProxyConfiguration\nmode: '{mode}'\nclusterCIDR: {cidr}\n"
    text += "".join(f"{key}: {value}\n" for key, value in more.items())
    return {"metadata": {"name": "kube-proxy"}, "data": {"config.conf": text}}


def kind_cluster(**changes: Any) -> Raw:
    """A kind cluster with flannel, two nodes, everything in agreement."""
    workers = [node("east-control-plane", slices=("10.41.0.0/24",)), node("east-worker", slices=("10.41.1.0/24",))]
    workers[0]["metadata"]["labels"] = {"node-role.kubernetes.io/control-plane": ""}
    workers[0]["spec"]["taints"] = [{"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}]
    for each in workers:
        each["spec"]["providerID"] = f"kind://docker/east/{each['metadata']['name']}"
    raw = Raw(
        version={"gitVersion": "v1.36.3"},
        kube_system={"metadata": {"uid": "0d1e"}},
        nodes=workers,
        daemon_sets=[
            daemon_set("kube-proxy"),
            daemon_set(
                "kube-flannel-ds",
                image="registry/flannel:v0.28.9",
                namespace="kube-flannel",
                config_map="kube-flannel-cfg",
            ),
        ],
        config_maps=[kubeadm(), proxy("nftables")],
        control_pods=[
            static_pod("kube-apiserver", "--service-cluster-ip-range=10.141.0.0/16"),
            static_pod("kube-controller-manager", "--cluster-cidr", "10.41.0.0/16"),
        ],
        dns_deployments=[daemon_set("coredns", image="registry/coredns:v1.12.2")],
        service_cidrs=[{"metadata": {"name": "kubernetes"}, "spec": {"cidrs": ["10.141.0.0/16"]}}],
        plugin_config=config_map(
            "kube-flannel-cfg", net_conf__json='{"Network": "10.41.0.0/16", "Backend": {"Type": "vxlan"}}'
        ),
    )
    for name, value in changes.items():
        setattr(raw, name, value)
    return raw
