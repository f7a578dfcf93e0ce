"""`rehearse` on real clusters: every scenario keeps its bound, and nothing outlives a run, however that ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.integration.running import RunningLab
from tests.integration.test_verify import children, namespaces, until

CLUSTERS = ("east", "west", "north")
# the other scenarios are tested with streams of their own, in test_site and test_links
SCENARIOS = ("drain", "link_cut", "gateway_blackhole")
FAULTS = SCENARIOS[1:]
TABLE = "fabric_rehearsal"
DRAIN = "fabric.clusterset.io/drain"


@pytest.fixture(scope="module")
def joined(lab: RunningLab) -> RunningLab:
    """The lab with its clusters joined, as `site` leaves them."""
    lab.playbook("site", "-e", "fabric_verify_report=")
    return lab


@pytest.fixture(scope="module")
def rehearsed(joined: RunningLab, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], str]:
    """Each scenario once: the JSON report and what the screen showed."""
    report = tmp_path_factory.mktemp("rehearse") / "rehearse.json"
    wishes = {"fabric_rehearse_report": str(report), "fabric_rehearse_times": 1}
    wishes["fabric_rehearse_scenarios"] = list(SCENARIOS)
    output = joined.playbook("rehearse", "-e", json.dumps(wishes), codes=(0, 2), limit=1800)
    assert report.stat().st_mode & 0o777 == 0o644
    found: dict[str, Any] = json.loads(report.read_text())
    return found, output


def tables(lab: RunningLab) -> list[str]:
    """Nodes that hold the table of an outage."""
    nodes = [node for cluster in CLUSTERS for node in lab.nodes(cluster)]
    return [node for node in nodes if TABLE in lab.lab("exec", "--node", node, "--", "nft", "list", "tables")]


def drained(lab: RunningLab) -> list[str]:
    """Nodes that somebody drains."""
    nodes = [node for cluster in CLUSTERS for node in lab.objects(cluster, "nodes")]
    return [node["metadata"]["name"] for node in nodes if DRAIN in node["metadata"].get("annotations", {})]


def nothing_left(lab: RunningLab) -> bool:
    return not any(namespaces(lab, cluster) for cluster in CLUSTERS) and not tables(lab) and not drained(lab)


def measured(found: dict[str, Any], *names: str) -> list[dict[str, Any]]:
    return [each for each in found["repetitions"] if each["scenario"] in names and each["state"] != "skipped"]


def test_every_scenario_was_run_and_kept_its_bound(rehearsed: tuple[dict[str, Any], str]) -> None:
    found, output = rehearsed
    assert found["ok"], output
    assert {each["scenario"] for each in found["repetitions"] if each["state"] != "skipped"} == set(SCENARIOS), output
    assert "MEDIAN GAP" in output


def test_nothing_is_lost_where_nothing_may_be(rehearsed: tuple[dict[str, Any], str]) -> None:
    for each in measured(rehearsed[0], "drain"):
        assert each["during"]["lost"] == 0, each
        assert each["during"]["sent"] > 0


def test_faults_are_over_in_less_than_a_second_and_heal_without_loss(rehearsed: tuple[dict[str, Any], str]) -> None:
    for each in measured(rehearsed[0], *FAULTS):
        assert each["during"]["gap"] < 1000, each
        assert each["after"]["lost"] == 0, each
        assert all(stream["survived"] for stream in each["during"]["streams"]), each


def test_receivers_see_the_senders_own_addresses_all_the_time(rehearsed: tuple[dict[str, Any], str]) -> None:
    for each in measured(rehearsed[0], *SCENARIOS):
        for stream in each["during"]["streams"]:
            assert stream["seen"] == [stream["address"]], stream


def test_nothing_stays(joined: RunningLab, rehearsed: tuple[dict[str, Any], str]) -> None:
    until(lambda: nothing_left(joined))


@contextmanager
def rehearsing(lab: RunningLab, screen: Path, scenario: str) -> Iterator[subprocess.Popen[bytes]]:
    """A run of one scenario whose fault lasts as long as one may."""
    words = {"report": "", "scenarios": scenario, "seconds": "60", "times": "1"}
    command = ["ansible-playbook", "-i", str(lab.inventory), "clusterset.fabric.rehearse"]
    for name, value in words.items():
        command += ["-e", f"fabric_rehearse_{name}={value}"]
    with (
        screen.open("wb") as file,
        subprocess.Popen(command, stdout=file, stderr=file, env=lab.environment(), start_new_session=True) as run,
    ):
        yield run
        run.wait(90)


def test_an_interrupted_rehearsal_leaves_no_table_on_the_node(joined: RunningLab, tmp_path: Path) -> None:
    with rehearsing(joined, tmp_path / "screen", "gateway_cut") as run:
        until(lambda: bool(tables(joined)), 180)
        os.kill(run.pid, signal.SIGTERM)
    until(lambda: nothing_left(joined), 20)  # long before the outage's own deadline


def test_a_killed_rehearsal_is_taken_back_by_the_next(joined: RunningLab, tmp_path: Path) -> None:
    with rehearsing(joined, tmp_path / "screen", "drain") as run:
        until(lambda: bool(drained(joined)), 180)
        (node,) = drained(joined)
        for process in [run.pid, *children(run.pid)]:
            os.kill(process, signal.SIGKILL)
    words = (
        "-e",
        "fabric_rehearse_report=",
        "-e",
        "fabric_rehearse_scenarios=baseline",
        "-e",
        "fabric_rehearse_times=1",
    )
    output = joined.playbook("rehearse", *words, codes=(0, 2))
    assert f"ended the draining of {node}" in output
    until(lambda: nothing_left(joined))
