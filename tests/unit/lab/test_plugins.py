"""Calico runs where all its images are."""

from __future__ import annotations

from tests.lab.plugins import has_calico

NODE = ["docker.io/calico/node:v3.32.1", "quay.io/calico/cni:v3.32.1", "docker.io/local/pause:1"]


def test_all_parts_must_be_there() -> None:
    assert not has_calico(NODE)
    assert has_calico([*NODE, "quay.io/calico/kube-controllers:v3.32.1"])
    assert not has_calico([])
