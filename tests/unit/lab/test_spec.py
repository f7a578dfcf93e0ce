"""What a lab consists of: defaults, files, command line words, and the refusals that name the fix."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.lab.spec import (
    ClusterSpec,
    LabSpec,
    SpecError,
    complete,
    default_lab,
    from_file,
    from_mapping,
    from_options,
    to_mapping,
)


def test_the_default_lab_is_the_one_the_documentation_tells_of() -> None:
    east, west, north = default_lab().clusters
    assert [len(cluster.nodes) for cluster in (east, west, north)] == [3, 2, 2]
    assert (east.plugin, west.plugin, north.plugin) == ("none", "none", "lab")
    assert (north.proxy_mode, north.tcp_be_liberal, north.strict_rp_filter) == ("iptables", False, True)


def test_ranges_and_issuers_of_a_lab_differ() -> None:
    clusters = default_lab().clusters
    for key in ("pod_range", "service_range", "issuer", "context"):
        assert len({getattr(cluster, key) for cluster in clusters}) == len(clusters)


def test_nodes_are_called_as_kind_calls_them() -> None:
    nodes = ClusterSpec("a", control_planes=2, workers=2).nodes
    assert nodes == ("a-control-plane", "a-control-plane2", "a-worker", "a-worker2")


def test_a_lab_survives_being_stored() -> None:
    lab = default_lab()
    assert from_mapping(json.loads(json.dumps(to_mapping(lab)))) == lab


def test_command_line_words_become_numbers_and_truth_values() -> None:
    (cluster,) = from_options(["one:workers=0,strict_rp_filter=true,pod_range=10.9.0.0/16"]).clusters
    assert (cluster.workers, cluster.strict_rp_filter, cluster.pod_range) == (0, True, "10.9.0.0/16")


def test_a_file_may_leave_everything_but_names_open(tmp_path: Path) -> None:
    path = tmp_path / "lab.yml"
    path.write_text("clusters:\n  one:\n  two: {workers: 3}\n")
    assert [len(cluster.nodes) for cluster in from_file(path).clusters] == [2, 4]


@pytest.mark.parametrize(
    ("option", "named"),
    [
        ("one:worker=1", "workers"),
        ("one:workers=some", "a number"),
        ("one:tcp_be_liberal=maybe", "true or false"),
        ("one:plugin=other", "none or lab"),
        ("one:proxy_mode=ipvs", "nftables or iptables"),
        ("one:control_planes=0", "1 is the least"),
        ("one:pod_range=10.9.0.1/16", "10.41.0.0/16"),
        ("One:workers=1", "lower-case"),
    ],
)
def test_what_cannot_be_built_is_refused_with_the_fix(option: str, named: str) -> None:
    with pytest.raises(SpecError, match=named):
        from_options([option])


def test_a_name_is_given_once() -> None:
    with pytest.raises(SpecError, match="unique"):
        complete(LabSpec((ClusterSpec("one"), ClusterSpec("one"))))


def test_an_unknown_cluster_is_answered_with_the_known_ones() -> None:
    with pytest.raises(SpecError, match="east, west, north"):
        default_lab().cluster("south")
