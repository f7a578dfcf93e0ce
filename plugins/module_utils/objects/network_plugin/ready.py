# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When a network plugin really works: its pods run, and every node's kubelet has found it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

from ...client.client import Client
from ...client.types import Object
from ...errors import FabricError
from ...facts.nodes import condition
from ...facts.raw import dig, name_of
from .build import api_of, is_operator

PAUSE = 1.0  # seconds between two looks


def nodes_ready_condition(nodes: Iterable[Object]) -> str:
    """ "" if every node is Ready, else a sentence that names the others with their kubelet's reason."""
    waiting = [f"{name_of(node)} ({_reason(node)})" for node in nodes if not condition(node, "Ready")]
    return f"nodes not Ready: {', '.join(waiting)}" if waiting else ""


def _reason(node: Object) -> str:
    entries = [each for each in dig(node, "status", "conditions") or [] if each.get("type") == "Ready"]
    message = str(entries[0].get("message") or entries[0].get("reason") or "") if entries else ""
    return message or "its kubelet has not answered yet"


async def unmet(client: Client, objects: Iterable[Object]) -> list[str]:
    """What is still missing, as sentences; [] once the plugin works. DaemonSets are the apply step's to wait for."""
    made = list(objects)
    missing = [nodes_ready_condition(await client.list("/api/v1/nodes"))]
    if is_operator(made):
        path = "/apis/operator.tigera.io/v1/tigerastatuses/calico"
        missing.append(_lacks(await client.try_get(path), "Available", "Calico's operator"))
    elif api_of(made) == "aggregated":
        path = "/apis/apiregistration.k8s.io/v1/apiservices/v3.projectcalico.org"
        missing.append(_lacks(await client.try_get(path), "Available", "Calico's API server"))
    return [each for each in missing if each]


def _lacks(item: Object | None, kind: str, what: str) -> str:
    if item is not None and condition(item, kind):
        return ""
    entries = [each for each in dig(item, "status", "conditions") or [] if each.get("type") == kind]
    return f"{what} is not {kind}: {(entries[0].get('message') if entries else '') or 'no status yet'}"


async def wait_until_works(
    client: Client,
    objects: Iterable[Object],
    *,
    seconds: float,
    progress: Callable[[str], None] | None = None,
) -> None:
    """Look again and again until nothing is missing; ``progress`` gets each new sentence.

    :raises FabricError: after ``seconds``, with what is missing then.
    """
    made, said = list(objects), ""
    end = asyncio.get_running_loop().time() + seconds
    while missing := await unmet(client, made):
        text = "; ".join(missing)
        if asyncio.get_running_loop().time() >= end:
            raise FabricError(
                f"the network plugin does not work after {seconds:.0f} s: {text}",
                cluster=client.ref.name,
                fix="look at the plugin's pods (kubectl get pods -A) and at the kubelet's log of a node named here",
            )
        if progress is not None and text != said:
            progress(text)
            said = text
        await asyncio.sleep(PAUSE)
