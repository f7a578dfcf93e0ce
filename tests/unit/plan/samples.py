# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Three clusters, as inventory and facts describe them."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.clusterset.fabric.plugins.module_utils.facts.types import ClusterFacts, Node, Plugin
from ansible_collections.clusterset.fabric.plugins.module_utils.model.types import ClusterModel

NUMBERS = {"east": 1, "west": 2, "north": 3} | {f"c{number:02}": number for number in range(1, 21)}


def model(host: str, **changes: object) -> ClusterModel:
    base = ClusterModel(
        host=host, cluster_id=host, clusterset="fabric", agent_image="agent:1", tunnel_range="10.248.0.0/14"
    )
    return replace(base, **changes)  # type: ignore[arg-type]


def facts(host: str, **changes: object) -> ClusterFacts:
    n = NUMBERS[host]
    nodes = (
        Node(f"{host}-control-plane", internal=(f"172.30.0.{n}0",), ready=True, control_plane=True, schedulable=False),
        Node(f"{host}-worker", internal=(f"172.30.0.{n}1",), ready=True),
        Node(f"{host}-worker2", internal=(f"172.30.0.{n}2",), ready=True),
    )
    base = ClusterFacts(
        cluster=host,
        uid=f"uid-{host}",
        version="v1.36.3",
        nodes=nodes,
        pod_cidrs=(f"10.{40 + n}.0.0/16",),
        service_cidrs=(f"10.{140 + n}.0.0/16",),
        plugin=Plugin("flannel", "v0.28.9", ready=True),
    )
    return replace(base, **changes)  # type: ignore[arg-type]
