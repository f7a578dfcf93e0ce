# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Planning takes time in proportion to the pairs of clusters, whether they have links or a way through a hub."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from ansible_collections.clusterset.fabric.plugins.module_utils.facts.types import ClusterFacts, Node
from ansible_collections.clusterset.fabric.plugins.module_utils.model.types import LinkWish
from ansible_collections.clusterset.fabric.plugins.module_utils.objects.links import peer_objects
from ansible_collections.clusterset.fabric.plugins.module_utils.plan.build import build_plan
from ansible_collections.clusterset.fabric.plugins.module_utils.plan.types import Plan
from ansible_collections.clusterset.fabric.plugins.module_utils.report.plan_table import plan_table
from tests.unit.plan.samples import facts, model

FEW, MANY = 25, 100
SLACK = 2.0  # caches of the processor and other work; with the square of the pairs it would be more than 16


def host(number: int) -> str:
    return f"c{number:03}"


def fact(number: int) -> ClusterFacts:
    nodes = tuple(Node(f"n{node}", internal=(f"172.30.{number}.{node}",), ready=True) for node in (1, 2, 3))
    changes = {"pod_cidrs": (f"11.{number}.0.0/16",), "service_cidrs": (f"12.{number}.0.0/16",), "nodes": nodes}
    return replace(facts("east"), cluster=host(number), uid=host(number), **changes)  # type: ignore[arg-type]


def planned(clusters: int, links: tuple[LinkWish, ...]) -> tuple[float, Plan]:
    """The plan, and seconds of CPU that it took: the least of three."""
    models = [model(host(number), links=links, transit=not number) for number in range(clusters)]
    known = {host(number): fact(number) for number in range(clusters)}
    took = []
    for _attempt in range(3):
        began = time.process_time()
        plan = build_plan(models, known)
        took.append(time.process_time() - began)
    return min(took), plan


def rendered(plan: Plan) -> float:
    """Seconds of CPU that all Peer objects, the table and the JSON of a plan take."""
    began = time.process_time()
    for cluster in plan.clusters:
        peer_objects(plan, cluster)
    plan_table(plan)
    assert plan.digest
    return time.process_time() - began


@pytest.mark.parametrize("links", [(), (LinkWish((host(0), "*"), "wireguard"),)], ids=["full mesh", "hub and spokes"])
def test_time_grows_with_the_number_of_pairs(links: tuple[LinkWish, ...]) -> None:
    few, small = planned(FEW, links)
    many, large = planned(MANY, links)
    pairs = [clusters * (clusters - 1) // 2 for clusters in (FEW, MANY)]
    assert [len(plan.links) + len(plan.transits) for plan in (small, large)] == pairs
    growth = pairs[1] / pairs[0]
    assert many / few < growth * SLACK
    assert rendered(large) / rendered(small) < growth * SLACK
