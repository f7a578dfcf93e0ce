"""Behaviours 1 and 21 to 24, and what clients see of names, affinity and several clusters: on the lab.

All services have the same pods: two in east, one in west. A pod answers with its cluster, its name and who asks.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from tests.integration.running import RunningLab
from tests.integration.test_services import PORT, SERVER, pod, within
from tests.integration.test_site import CLUSTERS

from .conftest import OLDER

SPACE = "conformance"
ZONE = f"{SPACE}.svc.clusterset.local."  # complete, so that no search path is tried
SOURCE = "multicluster.kubernetes.io/source-cluster"
# what the pods of a name or an address answer to some connections, "" for none; with port 0 the addresses of a name
CLIENT = """
import json, socket, sys
target, port, times = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
def ask():
    try:
        if not port:
            return sorted({each[4][0] for each in socket.getaddrinfo(target, None)})
        with socket.create_connection((target, port), 3) as s:
            return s.recv(200).decode().split()[0]
    except OSError:
        return ""
print(json.dumps([ask() for _ in range(times)]))
"""
Object = dict[str, Any]
TCP = {"name": "tcp", "port": 42, "targetPort": PORT}
# service -> cluster -> ports; then the clusters that export it, and fields of the Service
SERVICES: dict[str, tuple[dict[str, list[Object]], Sequence[str], Object]] = {
    "kept": ({"east": [TCP]}, (), {}),
    "shared": ({"east": [TCP], "west": [TCP]}, ("east",), {}),
    "spread": ({"east": [TCP], "west": [TCP]}, ("east", "west"), {}),
    "sticky": ({"east": [TCP], "west": [TCP]}, ("east", "west"), {"sessionAffinity": "ClientIP"}),
    "numbers": ({"east": [TCP], "west": [{**TCP, "port": 4242}]}, ("east", "west"), {}),
    "names": ({"east": [TCP], "west": [{**TCP, "name": "tcp2", "port": 4242}]}, ("east", "west"), {}),
    "headless": ({"east": [TCP]}, ("east",), {"clusterIP": "None"}),
}
PODS = {"east": ("hello-0", "hello-1"), "north": (), "west": ("hello-0",)}


def objects(lab: RunningLab, cluster: str) -> list[Object]:
    """What a cluster has, but for its exports."""
    made = [pod(lab, "client", cluster, "import time; time.sleep(86400)", SPACE)]
    for name in PODS[cluster]:
        # hostname and subdomain are what a StatefulSet gives its pods
        server = pod(lab, name, f"{cluster}/{name}", SERVER, SPACE)
        server["metadata"]["labels"] = {"app": "hello"}
        server["spec"] |= {"hostname": name, "subdomain": "headless"}
        made.append(server)
    for name, (ports, _exporters, fields) in SERVICES.items():
        if cluster in ports:
            spec = {"selector": {"app": "hello"}, "ports": ports[cluster], **fields}
            metadata = {"name": name, "namespace": SPACE}
            made.append({"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec})
    return made


def exports(cluster: str) -> list[Object]:
    kind = {"apiVersion": "multicluster.x-k8s.io/v1beta1", "kind": "ServiceExport"}
    names = [name for name, (_ports, exporters, _fields) in SERVICES.items() if cluster in exporters]
    return [{**kind, "metadata": {"name": name, "namespace": SPACE}} for name in names]


def imported(lab: RunningLab, cluster: str) -> dict[str, set[str]]:
    """The clusters whose endpoints a cluster has, for each service."""
    found: dict[str, set[str]] = {}
    for item in lab.objects(cluster, "endpointslices", "--namespace", SPACE, "--selector", SOURCE):
        labels = item["metadata"]["labels"]
        if item["endpoints"]:
            found.setdefault(labels["multicluster.kubernetes.io/service-name"], set()).add(labels[SOURCE])
    return found


@pytest.fixture(scope="module")
def answering(lab: RunningLab) -> Iterator[RunningLab]:
    """The lab joined, with all pods, Services and exports of this module; names are answered."""
    lab.playbook("site", "-e", "fabric_verify_report=")
    for cluster in CLUSTERS:
        lab.apply(cluster, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": SPACE}})
        lab.apply(cluster, *objects(lab, cluster))
    for cluster in CLUSTERS:
        wait = ("wait", "pods", "--all", "--namespace", SPACE, "--for=condition=Ready", "--timeout=120s")
        lab.kubectl(cluster, *wait, limit=180)
    lab.apply("east", *exports("east"))
    within(30, lambda: "headless" in imported(lab, "east"), True)
    time.sleep(OLDER)
    lab.apply("west", *exports("west"))
    wanted = {"shared": {"east"}, "headless": {"east"}, "spread": {"east", "west"}, "sticky": {"east", "west"}}
    wanted |= {"numbers": {"east"}, "names": {"east", "west"}}
    for cluster in CLUSTERS:
        within(30, lambda cluster=cluster: imported(lab, cluster), wanted)  # type: ignore[misc]
        # the first time CoreDNS must have read its new configuration
        within(150, lambda cluster=cluster: bool(answers(lab, cluster, f"shared.{ZONE}", 0, 1)[0]), True)  # type: ignore[misc]
    yield lab
    for cluster in CLUSTERS:
        lab.kubectl(cluster, "delete", "namespace", SPACE, "--wait=false")


def answers(lab: RunningLab, cluster: str, target: str, port: int, times: int) -> list[Any]:
    words = ("exec", "--namespace", SPACE, "client", "--", "python3", "-c", CLIENT, target, str(port), str(times))
    found: list[Any] = json.loads(lab.kubectl(cluster, *words, limit=90).splitlines()[-1])
    return found


def sources(lab: RunningLab, cluster: str, target: str, port: int = 42, times: int = 10) -> set[str]:
    """The clusters that answer to connections one after the other; "" is among them if one is not answered."""
    return {each.partition("/")[0] for each in answers(lab, cluster, target, port, times)}


@pytest.mark.parametrize("cluster", CLUSTERS)
def test_01_what_is_not_exported_is_not_reached(answering: RunningLab, cluster: str) -> None:
    assert sources(answering, cluster, f"kept.{ZONE}", times=20) == {""}


@pytest.mark.parametrize("cluster", CLUSTERS)
def test_21_and_22_a_name_leads_to_the_exporting_cluster_only(answering: RunningLab, cluster: str) -> None:
    within(20, lambda: sources(answering, cluster, f"shared.{ZONE}"), {"east"})


def test_20_local_names_lead_to_local_services_only(answering: RunningLab) -> None:
    local = f"shared.{SPACE}.svc.cluster.local."
    for cluster, wanted in (("east", "east"), ("west", "west"), ("north", "")):
        assert sources(answering, cluster, local) == {wanted}


@pytest.mark.parametrize("cluster", CLUSTERS)
def test_23_of_two_numbers_for_one_port_only_the_older_is_reached(answering: RunningLab, cluster: str) -> None:
    within(20, lambda: sources(answering, cluster, f"numbers.{ZONE}"), {"east"})
    assert sources(answering, cluster, f"numbers.{ZONE}", port=4242, times=2) == {""}


@pytest.mark.parametrize("cluster", CLUSTERS)
def test_24_each_port_leads_to_the_cluster_that_has_it(answering: RunningLab, cluster: str) -> None:
    within(20, lambda: sources(answering, cluster, f"names.{ZONE}"), {"east"})
    within(20, lambda: sources(answering, cluster, f"names.{ZONE}", port=4242), {"west"})


@pytest.mark.parametrize("cluster", CLUSTERS)
def test_25_and_26_headless_names_lead_to_the_pods_themselves(answering: RunningLab, cluster: str) -> None:
    pods = answering.objects("east", "pods", "--namespace", SPACE, "--selector", "app=hello")
    addresses = {item["metadata"]["name"]: item["status"]["podIP"] for item in pods}
    assert answers(answering, cluster, f"headless.{ZONE}", 0, 1) == [sorted(addresses.values())]
    for name, address in addresses.items():
        assert answers(answering, cluster, f"{name}.east.headless.{ZONE}", 0, 1) == [[address]]
        assert answers(answering, cluster, f"{name}.east.headless.{ZONE}", PORT, 1) == [f"east/{name}"]


@pytest.mark.parametrize("cluster", CLUSTERS)
def test_clients_are_spread_over_the_exporting_clusters(answering: RunningLab, cluster: str) -> None:
    # three pods: that one is never met by chance happens once in a million of such tests
    within(20, lambda: sources(answering, cluster, f"spread.{ZONE}", times=40), {"east", "west"})


@pytest.mark.parametrize("cluster", CLUSTERS)
def test_a_client_with_affinity_keeps_its_pod(answering: RunningLab, cluster: str) -> None:
    within(20, lambda: "" in answers(answering, cluster, f"sticky.{ZONE}", 42, 1), False)
    assert len(set(answers(answering, cluster, f"sticky.{ZONE}", 42, 20))) == 1
