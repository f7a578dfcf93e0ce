"""`verify` on real clusters: it sees faults made by hand, names their hop, and leaves nothing behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.integration.running import RunningLab
from tests.integration.test_site import CLUSTERS, frozen, recap

POSTROUTING = "nat hook postrouting priority 80"  # before the agent's own table
FORWARD = "filter hook forward priority 0"
OUTPUT = "filter hook output priority 0"


@pytest.fixture(scope="module")
def joined(lab: RunningLab) -> RunningLab:
    """The lab with its clusters joined, as `site` leaves them."""
    lab.playbook("site", "-e", "fabric_verify_report=")
    return lab


@contextmanager
def broken(lab: RunningLab, cluster: str, hook: str, rule: str) -> Iterator[None]:
    """One nftables rule on every node of a cluster."""
    nodes = lab.nodes(cluster)
    rules = f"table ip fault {{ chain c {{ type {hook}; {rule}; }}; }}"
    for node in nodes:
        lab.lab("exec", "--node", node, "--", "nft", rules)
    try:
        yield
    finally:
        for node in nodes:
            lab.lab("exec", "--node", node, "--", "nft", "delete table ip fault")


def verify(lab: RunningLab, folder: Path, *arguments: str, codes: tuple[int, ...] = (2,)) -> tuple[dict[str, Any], str]:
    """The JSON report and what the screen showed."""
    report = folder / "verify.json"
    output = lab.playbook("verify", "-e", f"fabric_verify_report={report}", *arguments, codes=codes)
    found: dict[str, Any] = json.loads(report.read_text())
    return found, output


def between(found: dict[str, Any], source: str, target: str) -> list[dict[str, Any]]:
    return [pair for pair in found["pairs"] if (pair["from"]["cluster"], pair["to"]["cluster"]) == (source, target)]


def namespaces(lab: RunningLab, cluster: str) -> list[str]:
    """Namespaces of verifications that nobody has begun to delete."""
    items = lab.objects(cluster, "namespaces", "--selector", "fabric.clusterset.io/component=verify")
    return [item["metadata"]["name"] for item in items if "deletionTimestamp" not in item["metadata"]]


def test_joined_clusters_are_all_good_and_nothing_stays(joined: RunningLab, tmp_path: Path) -> None:
    found, output = verify(joined, tmp_path, codes=(0,))
    assert found["ok"]
    assert found["totals"]["failed"] == found["totals"]["unknown"] == 0
    assert found["totals"]["pairs"] == 3 * 2 * 2 * 2
    assert "FROM \\ TO" in output
    assert (tmp_path / "verify.json").stat().st_mode & 0o777 == 0o644
    for cluster in CLUSTERS:
        assert namespaces(joined, cluster) == []


def test_masquerading_is_seen_and_its_cluster_named(joined: RunningLab, tmp_path: Path) -> None:
    with broken(joined, "west", POSTROUTING, "ip saddr 10.42.0.0/16 ip daddr 10.41.0.0/16 masquerade"):
        found, output = verify(joined, tmp_path)
    pairs = between(found, "west", "east")
    assert pairs
    for pair in pairs:
        assert pair["checks"]["source"]["state"] == "failed"
        assert pair["hop"] == "masquerading in west"
    assert all(pair["state"] == "ok" for pair in between(found, "north", "east"))
    assert "masquerading in west" in output


def test_a_way_that_swallows_large_packets_is_told_as_such(joined: RunningLab, tmp_path: Path) -> None:
    rule = "ip saddr 10.42.0.0/16 ip daddr 10.41.0.0/16 meta length > 1000 drop"
    with broken(joined, "east", FORWARD, rule):
        found, _output = verify(joined, tmp_path)
    assert between(found, "west", "east")
    for pair in between(found, "west", "east"):
        assert pair["state"] == "failed"
        assert pair["hop"].startswith("packet size")


def test_a_dead_link_is_named(joined: RunningLab, tmp_path: Path) -> None:
    rule = "ip daddr 172.30.0.0/16 udp dport 14800-15823 drop"
    with broken(joined, "north", OUTPUT, rule):
        time.sleep(3)  # the probes of both ends notice
        found, output = verify(joined, tmp_path)
    for pair in between(found, "west", "north"):
        assert pair["state"] == "failed"
        assert pair["hop"].startswith("link west -> north")
        assert any("Down" in line or "Connecting" in line for line in pair["evidence"])
    assert all(pair["state"] == "ok" for pair in between(found, "west", "east"))
    assert "FAILED all" in output


def test_a_cluster_that_answers_no_more_is_unknown_and_the_others_are_checked(
    joined: RunningLab, tmp_path: Path
) -> None:
    with frozen(joined, "north"):
        found, output = verify(joined, tmp_path)
    assert all(pair["state"] == "ok" for pair in between(found, "west", "east") + between(found, "east", "west"))
    assert {pair["state"] for pair in between(found, "west", "north")} == {"unknown"}
    assert "absent: north:" in output
    assert {host: failed for host, (_changed, failed) in recap(output).items()} == {"east": 0, "north": 1, "west": 0}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=lambda number: number.name)
def test_an_interrupted_run_is_cleaned_up_by_itself_or_by_the_next(
    joined: RunningLab, tmp_path: Path, number: signal.Signals
) -> None:
    command = [
        "ansible-playbook",
        "-i",
        str(joined.inventory),
        "clusterset.fabric.verify",
        "-e",
        "fabric_verify_report=",
    ]
    screen = tmp_path / "screen"
    with (
        screen.open("wb") as file,
        subprocess.Popen(command, stdout=file, stderr=file, env=joined.environment(), start_new_session=True) as run,
    ):
        until(lambda: b"starting verifier pods" in screen.read_bytes())
        until(lambda: bool(namespaces(joined, "west")))
        left = namespaces(joined, "west")
        # a killed parent does not take its worker along, so both are killed
        for process in [run.pid, *(children(run.pid) if number == signal.SIGKILL else [])]:
            os.kill(process, number)
        run.wait(60)
    if number == signal.SIGKILL:
        output = joined.playbook("verify", "-e", "fabric_verify_report=", codes=(0, 2))
        assert f"west: removed {left[0]}" in output
    until(lambda: not any(namespaces(joined, cluster) for cluster in CLUSTERS))


def children(process: int) -> list[int]:
    return list(map(int, Path(f"/proc/{process}/task/{process}/children").read_text().split()))


def until(true: Any, seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "not within its time"
        time.sleep(0.2)
