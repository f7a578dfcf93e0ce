# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why does a workload not become ready? Its pods know."""

from __future__ import annotations

from typing import Any

from ..client.client import Client
from ..client.types import Object

_ORDINARY = ("ContainerCreating", "PodInitializing")


async def reason(client: Client, workload: Object) -> str:
    """One sentence about the first pod of ``workload`` that is not ready, or about why it has no pods; may be empty.

    Like: ``pod web-7d4b on node b: ImagePullBackOff (Back-off pulling image "x")``.
    """
    namespace = workload["metadata"].get("namespace", "")
    labels = ((workload.get("spec") or {}).get("selector") or {}).get("matchLabels") or {}
    if not namespace or not labels:
        return ""
    selector = ",".join(f"{name}={value}" for name, value in labels.items())
    pods = await client.list(f"/api/v1/namespaces/{namespace}/pods", label_selector=selector)
    waiting = [pod for pod in pods if not _ready(pod)]
    if not waiting:
        return await _event(client, namespace, workload) if not pods else ""
    told = [(pod, said) for pod in waiting if (said := _containers(pod) or _scheduling(pod))]
    pod, said = told[0] if told else (waiting[0], await _event(client, namespace, waiting[0]))
    node = (pod.get("spec") or {}).get("nodeName")
    where = f" on node {node}" if node else ""
    return f"pod {pod['metadata']['name']}{where}: {said or (pod.get('status') or {}).get('phase', 'no status')}"


def _ready(pod: Object) -> bool:
    conditions = (pod.get("status") or {}).get("conditions") or ()
    return any(c.get("type") == "Ready" and c.get("status") == "True" for c in conditions)


def _containers(pod: Object) -> str:
    status = pod.get("status") or {}
    for container in [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]:
        state, last = container.get("state") or {}, (container.get("lastState") or {}).get("terminated")
        waiting, ended = state.get("waiting") or {}, state.get("terminated") or last
        if ended and int(ended.get("exitCode") or 0):
            why = _short(ended.get("message") or "")
            code = f"container {container['name']} ended with {ended['exitCode']}"
            return f"{waiting.get('reason') or ended.get('reason') or 'Error'} ({code}{': ' if why else ''}{why})"
        if waiting.get("reason") and waiting["reason"] not in _ORDINARY:
            return f"{waiting['reason']} ({_short(waiting.get('message') or container['name'])})"
        if state.get("running") and not container.get("ready", True):
            return f"container {container['name']} runs but is not ready"
    return ""


def _scheduling(pod: Object) -> str:
    for condition in (pod.get("status") or {}).get("conditions") or ():
        if condition.get("type") == "PodScheduled" and condition.get("status") == "False":
            return f"{condition.get('reason')} ({_short(condition.get('message') or '')})"
    return ""


async def _event(client: Client, namespace: str, obj: Object) -> str:
    """The newest warning about an object."""
    fields = f"involvedObject.name={obj['metadata']['name']},type=Warning"
    events = await client.list(f"/api/v1/namespaces/{namespace}/events", field_selector=fields)
    if not events:
        return ""
    newest = max(events, key=_when)
    return f"{newest.get('reason')} ({_short(newest.get('message') or '')})"


def _when(event: dict[str, Any]) -> str:
    return str(event.get("lastTimestamp") or event.get("eventTime") or event["metadata"].get("creationTimestamp") or "")


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 200 else f"{line[:197]}..."
