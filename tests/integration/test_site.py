"""The main job on real clusters, in the order in which a person meets it: plan, site, again, failure, leave."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.integration.running import RunningLab
from tests.integration.streams import Stream

CLUSTERS = ("east", "north", "west")
OURS = ("fabric", "fab-", "proto 111", "wireguard-go", "clusterset")
RECAP = re.compile(r"^(\w+)\s+: ok=\d+\s+changed=(\d+)\s+unreachable=\d+\s+failed=(\d+)", re.MULTILINE)
ROW = re.compile(r"^(\w+)\s+(\w+)\s+(\d+)\s+(\d+)\s+(\d+)\s+(\d+)\s+(\d+)\s+[\d.]+$", re.MULTILINE)


def recap(output: str) -> dict[str, tuple[int, int]]:
    """Host -> (changed, failed) of the play recap."""
    return {host: (int(changed), int(failed)) for host, changed, failed in RECAP.findall(output)}


def versions(lab: RunningLab) -> dict[str, Any]:
    """Every object of ours with its resourceVersion, but for what the agents write by themselves."""
    kinds = "namespaces,crds,daemonsets,serviceaccounts,roles,rolebindings,clusterroles,clusterrolebindings,configmaps"
    found = {}
    for cluster in CLUSTERS:
        for item in lab.objects(cluster, kinds, "--all-namespaces"):
            key = f"{cluster} {item['kind']} {item['metadata'].get('namespace')}/{item['metadata']['name']}"
            if "DaemonSet" not in key:
                found[key] = item["metadata"]["resourceVersion"]
    return found


def traces(lab: RunningLab, node: str) -> str:
    """Whatever of ours a node shows: devices, routes, tables, processes, files, reverse-path settings."""
    script = (
        "ip -oneline link; ip route show table all; nft list tables; ps -eo comm; "
        "find /var/lib/clusterset-fabric -type f; ls /run/clusterset-fabric/tunnels"
    )
    text = lab.lab("exec", "--node", node, "--", "sh", "-c", f"{{ {script}; }} 2>/dev/null; true")
    return "\n".join(line for line in text.splitlines() if any(word in line for word in OURS))


@contextmanager
def frozen(lab: RunningLab, cluster: str) -> Iterator[None]:
    """Every node of a cluster stands still: its API server takes connections and never answers, its links are dead."""
    nodes = lab.nodes(cluster)
    lab.lab("exec", "--", "docker", "pause", *nodes)
    try:
        yield
    finally:
        lab.lab("exec", "--", "docker", "unpause", *nodes)
        lab.kubectl(cluster, "wait", "nodes", "--all", "--for=condition=Ready", "--timeout=120s", limit=180)


def test_check_mode_lists_everything_and_changes_nothing(lab: RunningLab) -> None:
    lab.playbook("leave", "-e", "fabric_leave=all")
    before = versions(lab)
    output = lab.playbook("site", "--check", "--diff")
    assert versions(lab) == before
    for cluster in CLUSTERS:
        assert f"{cluster}: would create DaemonSet clusterset-fabric/fabric-agent" in output
        assert f"{cluster}: would create Fabric clusterset-fabric/local" in output
    assert "+kind: DaemonSet" in output


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"fabric_pod_cidrs": ["10.50.0.0/16"]}, ["east and north overlap", "10.50.0.0/16", "Fix:"]),
        ({"fabric_service_cidrs": ["10.60.0.0/16"]}, ["overlap", "service range 10.60.0.0/16", "Fix:"]),
        ({"fabric_tunnel_range": "10.41.0.0/16"}, ["overlap", "tunnel range 10.41.0.0/22", "fabric_tunnel_range"]),
        ({"fabric_tunnel_range": "172.30.0.0/16"}, ["node address", "172.30.0.0/22", "fabric_tunnel_range"]),
        ({"fabric_cluster_id": "same"}, ["east and north have the same cluster id 'same'", "fabric_cluster_id"]),
        ({"fabric_cluster_id": "Not_Valid"}, ["'Not_Valid'", "lower-case"]),
        ({"fabric_context": "kind-east"}, ["east and north are the same cluster", "Fix:"]),
        ({"fabric_underlay_mtu": 1300}, ["MTU of 1220", "1280", "fabric_underlay_mtu"]),
        ({"fabric_network_plugin": "calico"}, ["calico", "Fix:"]),
        ({"fabric_gateway_nodes": ["nowhere"]}, ["no node 'nowhere'", "east-worker"]),
        ({"fabric_gatway_count": 2}, ["unknown variable fabric_gatway_count", "did you mean fabric_gateway_count?"]),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_what_cannot_work_is_refused_before_anything_is_touched(
    lab: RunningLab, variables: dict[str, Any], words: list[str]
) -> None:
    before = versions(lab)
    output = lab.playbook("site", "-e", json.dumps(variables), codes=(2,))
    assert "Refused, nothing was touched" in output
    flat = " ".join(output.split())
    assert all(word in flat for word in words), output
    assert versions(lab) == before


def test_site_joins_three_clusters(lab: RunningLab, tmp_path: Path) -> None:
    report = tmp_path / "verify.json"
    output = lab.playbook("site", "-e", f"fabric_verify_report={report}", "-e", "fabric_verify_nodes=all")
    assert all(failed == 0 for _changed, failed in recap(output).values())
    pairs = json.loads(report.read_text())["pairs"]
    crossings = {(pair["from"]["cluster"], pair["to"]["cluster"]) for pair in pairs}
    assert crossings == {(a, b) for a in CLUSTERS for b in CLUSTERS if a != b}
    assert len(pairs) == 2 * (3 * 2 + 3 * 2 + 2 * 2)  # nodes of east, west and north, every ordered pair
    bad = [pair for pair in pairs if pair["state"] != "ok"]
    assert not bad
    for pair in pairs:
        assert {name: check["state"] for name, check in pair["checks"].items()} == dict.fromkeys(
            ("bulk", "connections", "icmp", "large", "source", "tcp", "udp"), "ok"
        )


def test_calico_runs_in_east_where_its_images_are(lab: RunningLab) -> None:
    if lab.environment()["EAST_PLUGIN"] != "calico":
        pytest.skip(
            "Calico's images are not on east's nodes; put their archives into a folder: LAB_IMAGES=folder make test"
        )
    daemonsets = lab.kubectl("east", "get", "daemonsets", "--all-namespaces", "--output", "name")
    assert "daemonset.apps/calico-node" in daemonsets


def test_a_second_run_changes_nothing_and_asks_little(lab: RunningLab) -> None:
    output = lab.playbook("site")
    assert {host: changed for host, (changed, _failed) in recap(output).items()} == dict.fromkeys(CLUSTERS, 0)
    rows = ROW.findall(output)
    assert {row[0] for row in rows} == set(CLUSTERS)
    assert all(row[1] == "unchanged" for row in rows)
    assert all(int(row[5]) > 0 for row in rows), "each stage tells how much it looked at"
    objects, requests = sum(int(row[5]) for row in rows), sum(int(row[6]) for row in rows)
    assert requests <= 0.15 * objects, f"{requests} requests for {objects} objects"


def test_kubectl_shows_every_link(lab: RunningLab) -> None:
    for cluster in CLUSTERS:
        text = lab.kubectl(cluster, "--namespace", "clusterset-fabric", "get", "links")
        head, *rows = text.splitlines()
        assert all(column in head for column in ("DRIVER", "STATE", "ROUND TRIP", "HANDSHAKE", "RECEIVED", "SENT"))
        assert len(rows) == 8, text  # two gateways here, two in each of the two others
        assert all(" wireguard " in row and " Up " in row for row in rows), text


def test_the_receiver_sees_the_pods_own_address(lab: RunningLab) -> None:
    with Stream(lab, "west-worker", "east-control-plane") as stream:
        pass
    assert stream.seen == [stream.address]


def test_a_restarted_agent_interrupts_nothing(lab: RunningLab) -> None:
    with Stream(lab, "east-worker", "west-worker") as stream:
        for cluster in ("east", "west"):
            lab.kubectl(cluster, "-n", "clusterset-fabric", "rollout", "restart", "daemonset/fabric-agent")
        for cluster in ("east", "west"):
            lab.kubectl(cluster, "-n", "clusterset-fabric", "rollout", "status", "daemonset/fabric-agent")
    assert stream.sent > 200
    assert stream.lost == 0


def test_what_was_edited_or_deleted_by_hand_is_put_back(lab: RunningLab) -> None:
    agent = ("daemonset/fabric-agent", "--namespace", "clusterset-fabric")
    lab.kubectl("north", "delete", *agent)
    output = lab.playbook("site")
    assert recap(output)["north"][1] == 0
    assert "north" in [row[0] for row in ROW.findall(output) if row[1] == "changed"]
    assert lab.kubectl("north", "get", *agent)


def test_one_dead_cluster_fails_alone_and_the_next_run_completes(lab: RunningLab) -> None:
    with frozen(lab, "west"):
        output = lab.playbook("site", codes=(2,))
        after = recap(output)
        assert after["west"][1] == 1
        assert (after["east"][1], after["north"][1]) == (0, 0)
        assert "west: " in output
        peers = lab.objects("east", "peers", "--namespace", "clusterset-fabric")
        assert {peer["metadata"]["name"] for peer in peers} == {"north", "west"}, "what is absent is not forgotten"
    output = lab.playbook("site")
    assert all(failed == 0 for _changed, failed in recap(output).values())


def test_leave_takes_north_out_and_east_and_west_lose_nothing(lab: RunningLab) -> None:
    adopted = lab.lab("exec", "--node", "north-worker", "--", "ls", "/etc/cni/net.d")
    with Stream(lab, "east-worker", "west-worker") as stream:
        lab.playbook("leave", "-e", "fabric_leave=north")
    assert stream.lost == 0
    for node in ("north-control-plane", "north-worker"):
        assert traces(lab, node) == ""
    names = lab.kubectl("north", "get", "namespaces,crds,clusterroles,clusterrolebindings", "--output", "name")
    assert not [name for name in names.splitlines() if "fabric" in name and "verify" not in name]
    assert lab.lab("exec", "--node", "north-worker", "--", "ls", "/etc/cni/net.d") == adopted
    for cluster in ("east", "west"):
        assert "north" not in lab.kubectl(cluster, "-n", "clusterset-fabric", "get", "peers,links", "-o", "name")
        routes = lab.lab("exec", "--node", f"{cluster}-worker", "--", "ip", "route")
        assert "10.43.0.0/16" not in routes


def test_a_cluster_that_answers_no_more_is_taken_out_of_the_others(lab: RunningLab) -> None:
    lab.playbook("site")
    with frozen(lab, "north"):
        output = lab.playbook("leave", "-e", "fabric_leave=north")
        assert "What is in north stays there" in " ".join(output.split())
        assert "north" not in lab.kubectl("east", "-n", "clusterset-fabric", "get", "peers", "-o", "name")
    lab.playbook("leave", "-e", "fabric_leave=north")
    assert traces(lab, "north-worker") == ""


def test_the_plugin_that_we_installed_goes_if_asked_and_comes_again(lab: RunningLab) -> None:
    lab.playbook("leave", "-e", "fabric_leave=west")
    assert "daemonset.apps/kube-flannel-ds" in lab.kubectl("west", "get", "daemonsets", "-A", "-o", "name")
    lab.playbook("leave", "-e", "fabric_leave=west", "-e", "fabric_leave_network_plugin=remove")
    left = lab.kubectl("west", "get", "namespaces,clusterroles,clusterrolebindings", "--output", "name")
    assert not [name for name in left.splitlines() if "flannel" in name or "fabric" in name]
    output = lab.playbook("site")
    assert all(failed == 0 for _changed, failed in recap(output).values())


def test_nothing_leaves_unless_it_is_named(lab: RunningLab) -> None:
    output = lab.playbook("leave", codes=(2,))
    assert "Nothing is said to leave" in output
    assert "'nort'" in lab.playbook("leave", "-e", "fabric_leave=nort", codes=(2,))
