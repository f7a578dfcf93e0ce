# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A node's agent takes the gateways that the sync part has found, and remembers them for its next start."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from clusterset_agent.memory import load
from clusterset_agent.node import NodeAgent
from clusterset_agent.settings import read_settings
from clusterset_agent.wanted import Wanted, planned
from tests.unit.agent.samples import ADDRESSES, FABRIC, WEST, gateway

Object = dict[str, Any]


def item(name: str, spec: Object, *rows: Object) -> Object:
    """An object of ours; ``rows`` are the gateways that were found since its spec was written."""
    status = {"current": {"planned": planned(spec), "gateways": list(rows)}} if rows else {}
    return {"metadata": {"name": name, "generation": 1}, "spec": spec, "status": status}


def agent(folder: Path) -> NodeAgent:
    places = {"NODE_NAME": "g1", "NODE_ADDRESS": "198.51.100.1", "FABRIC_RUN_DIR": str(folder)}
    return NodeAgent(read_settings(places))


def told(node: NodeAgent, fabric: Object, peer: Object) -> Wanted:
    """What the agent wants once its API server has told it these objects."""
    node.api.objects["fabrics"] = {"local": fabric}
    node.api.objects["peers"] = {"west": peer}
    node.api.objects["tunneladdresses"] = {name: {"spec": spec} for name, spec in ADDRESSES.items()}
    node.api.synced |= {"fabrics", "peers", "tunneladdresses"}
    node._api_changed()
    assert node.wanted
    return node.wanted


def names(wanted: Wanted) -> tuple[list[str], list[str]]:
    return [each.node for each in wanted.fabric.gateways], [each.node for each in wanted.peers[0].gateways]


def test_what_was_found_is_followed_and_kept_on_disk(tmp_path: Path) -> None:
    node = agent(tmp_path)
    assert names(told(node, item("local", FABRIC), item("west", WEST))) == (["g1", "g2"], ["w1", "w2"])
    office, theirs = {"node": "plain", "ordinal": 2}, gateway("w9", 4)
    found = told(node, item("local", FABRIC, FABRIC["gateways"][0], office), item("west", WEST, theirs))
    assert names(found) == (["g1", "plain"], ["w9"])
    memory = load(node.settings.cache)
    assert memory.fabric
    assert (memory.fabric["gateways"][1], memory.peers[0]["gateways"]) == (office, [theirs])
