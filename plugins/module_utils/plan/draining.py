# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which gateways are to be drained or taken back, and what speaks against it: a pure function."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ..errors import FabricError
from ..facts.types import Node
from .build import RefusedError

DRAINED, ACTIVE = "drained", "active"
STATES = (DRAINED, ACTIVE)


@dataclass(frozen=True)
class Crew:
    """A cluster's nodes, and its gateways (node -> Active, Draining, Drained, or "" as long as it has not reported)."""

    nodes: Mapping[str, Node]
    gateways: Mapping[str, str] = field(default_factory=dict)


def choose(named: Sequence[str], crews: Mapping[str, Crew], state: str) -> dict[str, tuple[str, ...]]:
    """Host -> gateways that are to get into ``state``.

    :param named: ``host/node``, or ``node`` where one cluster only has a node of this name.
    :param crews: by host, of the clusters that may be touched.
    :raises RefusedError: with every reason found: unknown names, nodes that are no gateways, a cluster that would be
        left without an active gateway, cordoned nodes that are to be active.
    """
    chosen: dict[str, dict[str, None]] = {}  # of each host the nodes, each once, in the order given
    errors: list[FabricError] = []
    for name in dict.fromkeys(named):
        try:
            host, node = _find(name, crews)
        except FabricError as error:
            errors.append(error)
        else:
            chosen.setdefault(host, {})[node] = None
    for host, nodes in chosen.items():
        against = _against_drain if state == DRAINED else _against_return
        errors += against(host, crews[host], list(nodes))
    if errors:
        raise RefusedError(errors)
    return {host: tuple(nodes) for host, nodes in sorted(chosen.items())}


def _find(name: str, crews: Mapping[str, Crew]) -> tuple[str, str]:
    host, slash, node = name.rpartition("/")
    found = [each for each in sorted(crews) if node in crews[each].nodes and (not slash or each == host)]
    if len(found) > 1:
        fix = f"name it {' or '.join(f'{each}/{node}' for each in found)}"
        raise FabricError(f"fabric_drain: {' and '.join(found)} both have a node {node!r}", fix=fix)
    if not found:
        known = sorted(f"{each}/{gateway}" for each, crew in crews.items() for gateway in crew.gateways)
        fix = f"name a gateway: {', '.join(known) or 'none is known, so run the links role first'}"
        raise FabricError(f"fabric_drain: no cluster of this play that answers has a node {name!r}", fix=fix)
    if node not in crews[found[0]].gateways:
        known = sorted(crews[found[0]].gateways)
        fix = f"name one of its gateways: {', '.join(known)}" if known else "run the links role first"
        raise FabricError(f"fabric_drain: node {node} is no gateway", cluster=found[0], fix=fix)
    return found[0], node


def _against_drain(host: str, crew: Crew, nodes: Sequence[str]) -> Iterator[FabricError]:
    """Somebody must carry on: an active gateway on a node that is ready and not about to be drained as well."""
    active = [crew.nodes[name] for name, state in crew.gateways.items() if state == "Active" and name in crew.nodes]
    staying = [node for node in active if node.ready and not node.draining and node.name not in nodes]
    moving = [name for name in nodes if crew.gateways[name] != "Drained"]
    if moving and not staying:
        message = f"no active gateway would be left without {' and '.join(moving)}"
        fix = "take another gateway back first (fabric_drain_state: active), or raise fabric_gateway_count and run site"
        yield FabricError(message, cluster=host, fix=fix)


def _against_return(host: str, crew: Crew, nodes: Sequence[str]) -> Iterator[FabricError]:
    for name in nodes:
        if crew.nodes[name].cordoned:
            message = f"gateway {name} is cordoned, and is drained as long as it is"
            yield FabricError(message, cluster=host, fix=f"kubectl uncordon {name}")
