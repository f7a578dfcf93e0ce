# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A cluster's way from its first answer to standing verifier pods, alike for a verification and a rehearsal."""

from __future__ import annotations

import asyncio

from ..client.client import Client
from ..errors import FabricError
from ..facts.types import Node
from . import evidence, leftovers, manifests
from .evidence import Evidence
from .stage import Stage
from .types import Place

CONTACT_SECONDS = 30.0  # a cluster whose API does not answer by then takes no part
READY_SECONDS = 120.0  # for the pods, image pull included


async def contact(client: Client, *, deadline: float, which: str) -> tuple[Evidence, list[Node], list[str]]:
    """Read the cluster's state, remove what earlier runs left, choose the nodes: evidence, nodes, notes. FabricError.

    :param which: see :func:`manifests.choose`.
    """
    limit = min(CONTACT_SECONDS, deadline / 2)
    try:
        async with asyncio.timeout(limit):
            found, removed = await asyncio.gather(evidence.read(client), leftovers.remove(client))
    except TimeoutError:
        raise FabricError(f"its API server did not answer within {limit:.0f} s.", cluster=client.ref.name) from None
    notes = [f"removed {name}, left by a run that was killed" for name in removed]
    chosen, absent = manifests.choose(found.nodes, found.gateways, which)
    notes += [f"node {node.name} is not Ready and was not checked" for node in absent]
    return found, chosen, notes


async def stand_up(here: Stage, places: list[Place], *, deadline: float) -> list[Place]:
    """Have a pod at each place; the places with address, or with the reason why there is none.

    :raises FabricError: there is no place at all.
    """
    if not places:
        raise FabricError("no Linux node of it is Ready.", cluster=here.cluster, fix="install its network plugin.")
    return await here.up(places, wait=min(READY_SECONDS, deadline / 2))


def ready(places: list[Place], *, image: str) -> list[Place]:
    """The places whose pods stand. FabricError if there is none."""
    found = [place for place in places if place.address]
    if not found:
        reasons = "; ".join(sorted({place.reason for place in places}))
        fix = f"see that its nodes can pull and run {image}."
        raise FabricError(f"no verifier pod became ready: {reasons}.", cluster=places[0].cluster, fix=fix)
    return found
