"""Services on the lab: by address and by name, the client's own address kept, withdrawn and back again."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.integration.running import CommandFailedError, RunningLab
from tests.integration.test_site import CLUSTERS, frozen

SPACE = "services-test"
NAME = f"echo.{SPACE}.svc.clusterset.local"
PORT = 7000
# answers with the name of its cluster and with the client's address as it sees it
SERVER = """
import os, socketserver
class Answer(socketserver.BaseRequestHandler):
    def handle(self):
        self.request.sendall(f"{os.environ['CLUSTER']} {self.client_address[0]}".encode())
class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
Server(("0.0.0.0", 7000), Answer).serve_forever()
"""
CLIENT = """
import socket, sys
with socket.create_connection((sys.argv[1], int(sys.argv[2])), 3) as s:
    print(s.recv(200).decode())
"""
# asks again and again; prints when each request began and which cluster answered, "" for none
ASKING = """
import json, socket, sys, time
target, tries, end = sys.argv[1], int(sys.argv[2]), time.time() + float(sys.argv[3])
rows = []
while time.time() < end:
    began, source = time.time(), ""
    for _number in range(tries):
        try:
            with socket.create_connection((target, 80), 0.4) as s:
                s.settimeout(0.4)
                source = s.recv(200).decode().split()[0]
                break
        except (OSError, IndexError):
            time.sleep(0.02)
    rows.append((began, source))
    time.sleep(0.05)
print(json.dumps(rows))
"""
Object = dict[str, Any]


class Asking:
    """A client pod that asks steadily, from now on."""

    def __init__(self, lab: RunningLab, cluster: str, target: str, *, tries: int, seconds: float) -> None:
        self.cluster = cluster
        script = ("python3", "-c", ASKING, target, str(tries), str(seconds))
        self._running = lab.start(
            "kubectl", "--context", f"kind-{cluster}", "exec", "-n", SPACE, "client", "--", *script
        )
        self._limit = seconds + 60

    def rows(self) -> list[tuple[float, str]]:
        """When each request began, and who answered."""
        output, _nothing = self._running.communicate(timeout=self._limit)
        return [(float(at), str(source)) for at, source in json.loads(output)]


def signal_api(lab: RunningLab, cluster: str, name: str) -> None:
    """Send a signal to a cluster's API server."""
    command = f"kill -{name} $(pidof kube-apiserver)"
    lab.lab("exec", "--node", f"{cluster}-control-plane", "--", "sh", "-c", command)


def peers(lab: RunningLab, cluster: str) -> list[Object]:
    """The Peer objects of a cluster."""
    return lab.objects(cluster, "peers", "--namespace", "clusterset-fabric")


def pod(lab: RunningLab, name: str, cluster: str, script: str, space: str = SPACE) -> Object:
    return lab.python_pod(name, space, script, CLUSTER=cluster)


def service() -> Object:
    ports = [{"name": "tcp", "port": 80, "targetPort": PORT}]
    spec = {"selector": {"app": "echo"}, "ports": ports}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "echo", "namespace": SPACE}, "spec": spec}


def export() -> Object:
    metadata = {"name": "echo", "namespace": SPACE}
    return {"apiVersion": "multicluster.x-k8s.io/v1beta1", "kind": "ServiceExport", "metadata": metadata}


def ask(lab: RunningLab, cluster: str, target: str) -> tuple[str, str]:
    """The cluster that answers a client pod, and the address that it saw; ("", "") for no answer."""
    words = ("exec", "--namespace", SPACE, "client", "--", "python3", "-c", CLIENT, target, "80")
    try:
        source, address = lab.kubectl(cluster, *words, limit=30).split()[-2:]
    except (CommandFailedError, ValueError):
        return "", ""
    return source, address


def address_of(lab: RunningLab, cluster: str) -> str:
    found = lab.kubectl(cluster, "get", "serviceimports", "--namespace", SPACE, "--output", "json", codes=(0, 1))
    items = json.loads(found).get("items") if found.startswith("{") else []
    ips = [ip for item in items or () for ip in item["spec"].get("ips") or ()]
    return ips[0] if ips else ""


def sources(lab: RunningLab, cluster: str) -> set[str]:
    """The clusters whose endpoints are imported."""
    label = "multicluster.kubernetes.io/source-cluster"
    items = lab.objects(cluster, "endpointslices", "--namespace", SPACE, "--selector", label)
    return {item["metadata"]["labels"][label] for item in items if item.get("endpoints")}


def within(seconds: float, what: Callable[[], Any], wanted: Any) -> float:
    """Wait until ``what`` gives ``wanted``; return the seconds that it took."""
    began = time.monotonic()
    while (found := what()) != wanted:
        assert time.monotonic() - began < seconds, f"{found!r} instead of {wanted!r} after {seconds} s"
        time.sleep(0.2)
    return time.monotonic() - began


@pytest.fixture(scope="module")
def sharing(lab: RunningLab) -> Iterator[RunningLab]:
    """The lab joined, with a client pod in each cluster and an echo pod in east and west; nothing is exported."""
    lab.playbook("site", "-e", "fabric_verify_report=")
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": SPACE}}
    for cluster in CLUSTERS:
        lab.apply(cluster, namespace)
        pods = [pod(lab, "client", cluster, "import time; time.sleep(86400)")]
        lab.apply(cluster, *pods, *([pod(lab, "echo", cluster, SERVER), service()] if cluster != "north" else []))
    for cluster in CLUSTERS:
        lab.kubectl(
            cluster, "wait", "pods", "--all", "--namespace", SPACE, "--for=condition=Ready", "--timeout=120s", limit=180
        )
    yield lab
    for cluster in CLUSTERS:
        lab.kubectl(cluster, "delete", "namespace", SPACE, "--wait=false")


def own_address(lab: RunningLab, cluster: str) -> str:
    (found,) = lab.objects(cluster, "pods", "--namespace", SPACE, "--selector", "app=client")
    return str(found["status"]["podIP"])


def test_every_sync_part_hears_every_peer(sharing: RunningLab) -> None:
    def states() -> set[str]:
        found = [peer for cluster in CLUSTERS for peer in peers(sharing, cluster)]
        return {((peer.get("status") or {}).get("services") or {}).get("state", "") for peer in found}

    within(30, states, {"Alive"})


def test_a_service_of_east_is_reached_from_everywhere(sharing: RunningLab) -> None:
    sharing.apply("east", export())
    for cluster in CLUSTERS:
        took = within(15, lambda cluster=cluster: sources(sharing, cluster), {"east"})  # type: ignore[misc]
        print(f"{cluster}: imported {took:.1f} s after the export")
    for cluster in CLUSTERS:
        wanted = ("east", own_address(sharing, cluster))
        within(15, lambda cluster=cluster: ask(sharing, cluster, address_of(sharing, cluster)), wanted)  # type: ignore[misc]
        # the first time CoreDNS must have read its new configuration
        within(150, lambda cluster=cluster: ask(sharing, cluster, NAME), wanted)  # type: ignore[misc]


def test_a_dead_cluster_is_withdrawn_and_comes_back(sharing: RunningLab) -> None:
    sharing.apply("east", export())
    sharing.apply("west", export())
    for cluster in CLUSTERS:
        within(30, lambda cluster=cluster: sources(sharing, cluster), {"east", "west"})  # type: ignore[misc]
    address = address_of(sharing, "north")
    once = [
        Asking(sharing, cluster, address_of(sharing, cluster), tries=1, seconds=20) for cluster in ("east", "north")
    ]
    again = Asking(sharing, "north", address, tries=15, seconds=20)
    time.sleep(4)
    with frozen(sharing, "west"):
        died = time.time()
        for cluster in ("east", "north"):
            took = within(12, lambda cluster=cluster: sources(sharing, cluster), {"east"})  # type: ignore[misc]
            print(f"{cluster}: withdrawn {took:.1f} s after it was seen to be frozen")
        for each in once:
            rows = each.rows()
            assert {source for at, source in rows if at < died - 1} == {"east", "west"}
            failed = [at - died for at, source in rows if not source]
            print(
                f"{each.cluster}: {len(failed)} of {len(rows)} requests failed, the last {max(failed, default=0):.1f} s"
            )
            assert max(failed, default=0) < 6.0
        assert not [at for at, source in again.rows() if not source], "the next endpoint answers"
    for cluster in ("east", "north"):
        within(60, lambda cluster=cluster: sources(sharing, cluster), {"east", "west"})  # type: ignore[misc]
    assert address_of(sharing, "north") == address


def test_a_cluster_without_its_api_server_goes_on_serving(sharing: RunningLab) -> None:
    asking = [
        Asking(sharing, cluster, address_of(sharing, cluster), tries=1, seconds=16) for cluster in ("east", "north")
    ]
    signal_api(sharing, "west", "STOP")
    try:
        time.sleep(10)
        for cluster in ("east", "north"):
            assert sources(sharing, cluster) == {"east", "west"}
            (peer,) = [each for each in peers(sharing, cluster) if each["metadata"]["name"] == "west"]
            assert peer["status"]["services"]["state"] == "Forwards"
        for each in asking:
            rows = each.rows()
            assert {source for _at, source in rows} == {"east", "west"}, "no request failed, both have answered"
    finally:
        signal_api(sharing, "west", "CONT")


def test_a_fenced_cluster_is_gone_although_it_never_answers_and_comes_back(sharing: RunningLab) -> None:
    for cluster in ("east", "west"):
        sharing.apply(cluster, export())
    for cluster in ("east", "north"):
        within(60, lambda cluster=cluster: sources(sharing, cluster), {"east", "west"})  # type: ignore[misc]
    fence = {"fabric_state": "{{ 'fenced' if inventory_hostname == 'west' else 'active' }}"}
    with frozen(sharing, "west"):
        output = sharing.playbook("site", "-e", json.dumps(fence), "-e", "fabric_verify_report=")
        assert "west is fenced" in output
        for cluster in ("east", "north"):
            within(5, lambda cluster=cluster: sources(sharing, cluster), {"east"})  # type: ignore[misc]
            for kind in ("peer", "serviceaccount", "secret"):
                name = "west" if kind == "peer" else "peer-west"
                found = sharing.kubectl(cluster, "get", kind, name, "--namespace", "clusterset-fabric", codes=(0, 1))
                assert "NotFound" in found
    sharing.playbook("site", "-e", "fabric_verify_report=")
    for cluster in ("east", "north"):
        within(60, lambda cluster=cluster: sources(sharing, cluster), {"east", "west"})  # type: ignore[misc]


def test_a_second_run_changes_nothing(sharing: RunningLab) -> None:
    output = sharing.playbook("site", "-e", "fabric_verify_report=")
    assert "changed=0" in output
    assert "eyJ" not in output


def test_what_is_no_longer_exported_is_gone_everywhere(sharing: RunningLab) -> None:
    for cluster in ("east", "west"):
        sharing.kubectl(cluster, "delete", "serviceexport", "echo", "--namespace", SPACE, "--ignore-not-found")
    for cluster in CLUSTERS:
        within(20, lambda cluster=cluster: address_of(sharing, cluster), "")  # type: ignore[misc]
        within(20, lambda cluster=cluster: sources(sharing, cluster), set())  # type: ignore[misc]
