"""Policies on the lab: pods reach each other by label, whatever cluster they run in, and nothing else passes."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.integration.running import RunningLab
from tests.integration.test_services import within
from tests.integration.test_site import CLUSTERS, recap

SPACE = "policies-test"
PORT, OTHER_PORT = 7000, 7001
POLICIES = {
    "fabric_policy_default": "deny",
    "fabric_policies": [
        {
            "name": "frontend-to-db",
            "from": {"labels": {"app": "frontend"}, "namespaces": [SPACE]},
            "to": {"labels": {"app": "db"}, "clusters": ["east"]},
            "ports": [PORT],
        }
    ],
}
ROUNDS = 5
SERVER = f"""
import socketserver, threading
class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
for port in ({PORT}, {OTHER_PORT}):
    server = Server(("0.0.0.0", port), socketserver.BaseRequestHandler)
    threading.Thread(target=server.serve_forever).start()
"""
# tries to connect all the time, and tells when that begins to succeed or to fail
WATCHER = f"""
import os, socket, time
state = None
while True:
    began = time.time()
    try:
        socket.create_connection((os.environ["TARGET"], {PORT}), 0.15).close()
        now = "open"
    except OSError:
        now = "closed"
    if now != state:
        print(now, began, flush=True)
        state = now
    time.sleep(0.02)
"""
TRY = "import socket, sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), 1)"
Object = dict[str, Any]


def pod(lab: RunningLab, name: str, app: str, script: str, target: str = "") -> Object:
    return lab.python_pod(name, SPACE, script, app=app, TARGET=target)


def address_of(lab: RunningLab, cluster: str, name: str) -> str:
    """A pod's address, once it runs."""
    words = ("wait", f"pod/{name}", "--namespace", SPACE, "--for=condition=Ready", "--timeout=120s")
    lab.kubectl(cluster, *words, limit=180)
    (found,) = lab.objects(cluster, "pod", name, "--namespace", SPACE)
    return str(found["status"]["podIP"])


def site(lab: RunningLab, variables: Object | None = None) -> str:
    return lab.playbook("site", "-e", json.dumps({"fabric_verify_report": "", **(variables or {})}))


def policed(lab: RunningLab, cluster: str) -> bool:
    return "fabricpolicies.fabric" in lab.kubectl(cluster, "get", "crds", "--output", "name")


@pytest.fixture(scope="module")
def closed(lab: RunningLab) -> Iterator[RunningLab]:
    """The lab joined, with a policy and a default of deny; db in east, and a pod in west that tries to reach it."""
    site(lab, POLICIES)  # with its verification, which must pass
    for cluster in ("east", "west"):
        lab.apply(cluster, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": SPACE}})
    lab.apply("east", pod(lab, "db", "db", SERVER), pod(lab, "cache", "cache", SERVER))
    lab.apply("west", pod(lab, "watcher", "other", WATCHER, address_of(lab, "east", "db")))
    address_of(lab, "west", "watcher")
    yield lab
    for cluster in ("east", "west"):
        lab.kubectl(cluster, "delete", "namespace", SPACE, "--wait=false")
    if policed(lab, "east"):
        site(lab)


def relabel(lab: RunningLab, app: str) -> float:
    """Give the pod in west another label; return when that was asked for."""
    now = time.time()
    lab.kubectl("west", "label", "pod", "watcher", "--namespace", SPACE, "--overwrite", f"app={app}")
    return now


def seen(lab: RunningLab) -> tuple[str, float]:
    """What the pod in west has seen last, and since when."""
    lines = lab.kubectl("west", "logs", "watcher", "--namespace", SPACE).splitlines()
    state, since = (lines or ["nothing 0"])[-1].split()
    return state, float(since)


def reaches(lab: RunningLab, cluster: str, name: str, address: str, port: int) -> bool:
    words = ("exec", "--namespace", SPACE, name, "--", "python3", "-c", TRY, address, str(port))
    return "Traceback" not in lab.kubectl(cluster, *words, codes=(0, 1), limit=30)


def test_a_label_opens_and_closes_within_a_second(closed: RunningLab) -> None:
    within(20, lambda: seen(closed)[0], "closed")
    took: list[float] = []
    for _round in range(ROUNDS):
        for app, state in (("frontend", "open"), ("other", "closed")):
            began = relabel(closed, app)
            within(15, lambda: seen(closed)[0], state)
            took.append(seen(closed)[1] - began)
    print(f"from asking for a label to its effect: {sorted(took)[ROUNDS]:.2f} s, at most {max(took):.2f} s")
    assert sorted(took)[ROUNDS] < 1.0, took


def test_nothing_else_of_the_same_pods_passes(closed: RunningLab) -> None:
    relabel(closed, "frontend")
    within(15, lambda: seen(closed)[0], "open")
    db, cache = (address_of(closed, "east", name) for name in ("db", "cache"))
    frontend = address_of(closed, "west", "watcher")
    assert reaches(closed, "west", "watcher", db, PORT)
    assert not reaches(closed, "west", "watcher", db, OTHER_PORT)
    assert not reaches(closed, "west", "watcher", cache, PORT)
    assert not reaches(closed, "east", "db", frontend, PORT)
    assert reaches(closed, "east", "db", cache, PORT)  # within a cluster nothing is judged


def test_the_clusters_go_on_to_hear_each_other(closed: RunningLab) -> None:
    def states() -> set[str]:
        peers = [peer for cluster in CLUSTERS for peer in closed.objects(cluster, "peers", "-n", "clusterset-fabric")]
        return {((peer.get("status") or {}).get("services") or {}).get("state", "") for peer in peers}

    within(30, states, {"Alive"})


def test_a_second_run_changes_nothing_and_one_without_policies_removes_all(closed: RunningLab) -> None:
    assert set(recap(site(closed, POLICIES)).values()) == {(0, 0)}
    site(closed)
    for cluster in CLUSTERS:
        assert not policed(closed, cluster)
        for gateway in closed.objects(cluster, "gateways", "--namespace", "clusterset-fabric"):
            node = gateway["metadata"]["name"]

            def tables(node: str = node) -> bool:
                return "clusterset_policy" in closed.lab("exec", "--node", node, "--", "nft", "list", "tables")

            within(10, tables, False)
    assert set(recap(site(closed)).values()) == {(0, 0)}
