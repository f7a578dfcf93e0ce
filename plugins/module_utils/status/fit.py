# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which gateways may be afflicted, and whose turn it is: pure functions. A rehearsal must not make an outage real."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from .evidence import Evidence
from .types import Place


def too_few(evidence: Evidence) -> str:
    """Why the cluster cannot lose a gateway for a while, "" if it can."""
    count = len(evidence.gateways)
    return "" if count > 1 else f"it has {'one gateway' if count else 'no gateway'}, a fault needs two"


def unfit(evidence: Evidence) -> str:
    """Why one of the gateways could not take over from another just now, "" if each could."""
    ready = {node.name for node in evidence.nodes if node.ready}
    up = {(link.node, link.peer) for link in evidence.links if link.state == "Up"}
    peers = sorted({peer for _node, peer in up})
    for gateway in evidence.gateways:
        if gateway not in ready:
            return f"node {gateway} is not Ready"
        if not evidence.agents.get(gateway):
            return f"the agent on {gateway} is not ready"
        missing = [peer for peer in peers if (gateway, peer) not in up]
        if missing or not peers:
            return f"gateway {gateway} has no link Up{f' to {missing[0]}' if missing else ''}"
    return ""


def candidates(evidence: Evidence, places: Sequence[Place], taken: Collection[str] = ()) -> list[str]:
    """Gateways that may be afflicted while a stream ends elsewhere; not the `taken` ones, which an operator drains."""
    ends = {place.node for place in places}
    return [gateway for gateway in evidence.gateways if gateway not in taken and ends - {gateway}]


def turn(able: Sequence[tuple[str, Sequence[str]]], number: int) -> tuple[str, str]:
    """Cluster and node of repetition `number` (from 0): each cluster in turn, then their next gateways."""
    cluster, nodes = able[number % len(able)]
    return cluster, nodes[(number // len(able)) % len(nodes)]
