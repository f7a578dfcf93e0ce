# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Restarts of what runs beside the data plane: the agent's pod of a node, the network plugin's pods of a cluster."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from ..apply.readiness import state_of
from ..client.client import MERGE
from ..facts.nodes import condition
from ..facts.plugin import daemon_sets
from ..facts.raw import dig, name_of
from ..objects.agent import NAMESPACE, NODE_AGENT
from .post import Post
from .scene import NotApplicableError

AGENT_SECONDS = 120.0
ROLLOUT_SECONDS = 240.0
RESTARTED = "kubectl.kubernetes.io/restartedAt"
Item = dict[str, Any]


async def restart_agent(post: Post, node: str) -> None:
    """Delete the agent's pod of a node and wait until its successor is ready. FabricError."""
    old = await _agent_pods(post, node)
    if not old:
        raise NotApplicableError(f"no agent runs on {node}.", cluster=post.name)
    for pod in old:
        await post.client.delete(f"/api/v1/namespaces/{NAMESPACE}/pods/{name_of(pod)}", uid=_uid(pod))
    gone = {_uid(pod) for pod in old}

    async def look() -> bool | None:
        fresh = [pod for pod in await _agent_pods(post, node) if _uid(pod) not in gone]
        return True if any(condition(pod, "Ready") for pod in fresh) else None

    await post.until(look, f"a new agent on {node} is ready", seconds=AGENT_SECONDS)


async def _agent_pods(post: Post, node: str) -> list[Item]:
    return await post.client.list(
        f"/api/v1/namespaces/{NAMESPACE}/pods",
        label_selector=f"app.kubernetes.io/name={NODE_AGENT}",
        field_selector=f"spec.nodeName={node}",
    )


def _uid(pod: Item) -> str:
    return str(dig(pod, "metadata", "uid"))


async def restart_plugin(post: Post) -> str:
    """Restart the network plugin's DaemonSet as `kubectl rollout restart` does, and wait; its name. FabricError."""
    found = daemon_sets(await post.client.list("/apis/apps/v1/daemonsets"))
    if not found:
        raise NotApplicableError("no network plugin with a DaemonSet was found in it.", cluster=post.name)
    item = next(iter(found.values()))
    name = f"{dig(item, 'metadata', 'namespace')}/{name_of(item)}"
    if dig(item, "spec", "updateStrategy", "type") == "OnDelete":
        raise NotApplicableError(f"DaemonSet {name} restarts pods only when they are deleted.", cluster=post.name)
    path = f"/apis/apps/v1/namespaces/{dig(item, 'metadata', 'namespace')}/daemonsets/{name_of(item)}"
    notes = {RESTARTED: datetime.now(UTC).isoformat(timespec="seconds")}
    body = {"spec": {"template": {"metadata": {"annotations": notes}}}}
    await post.client.request("PATCH", path, body=body, content_type=MERGE)

    async def look() -> bool | None:
        current = await post.client.get(path)
        return True if state_of({**current, "kind": "DaemonSet"}).ready else None

    await post.until(look, f"DaemonSet {name} is ready again", seconds=ROLLOUT_SECONDS)
    return name
