from __future__ import annotations

import asyncio
from typing import Any

import pytest

from ansible_collections.clusterset.fabric.plugins.module_utils.apply.bundle import apply_bundle
from ansible_collections.clusterset.fabric.plugins.module_utils.apply.readiness import state_of
from ansible_collections.clusterset.fabric.plugins.module_utils.apply.types import Options
from ansible_collections.clusterset.fabric.plugins.module_utils.client.client import Client
from ansible_collections.clusterset.fabric.plugins.module_utils.errors import FabricError
from ansible_collections.clusterset.fabric.plugins.module_utils.objects.bundle import Bundle
from tests.benchmark.stub.server import Cluster

from .manifests import config, daemon_set

AGENT = "/apis/apps/v1/namespaces/default/daemonsets/agent"


def status(ready: int, desired: int = 3, generation: int = 1) -> dict[str, Any]:
    return {
        "status": {
            "observedGeneration": generation,
            "desiredNumberScheduled": desired,
            "numberReady": ready,
            "numberAvailable": ready,
            "updatedNumberScheduled": desired,
        }
    }


def made(kind: str, status: dict[str, Any], **spec: Any) -> dict[str, Any]:
    return {"kind": kind, "metadata": {"name": "x", "generation": 2}, "spec": spec, "status": status}


@pytest.mark.parametrize(
    ("obj", "ready", "text"),
    [
        (made("DaemonSet", {"observedGeneration": 1, "desiredNumberScheduled": 0}), False, "not yet looked at"),
        (made("DaemonSet", status(2, generation=2)["status"]), False, "2/3 ready"),
        (made("DaemonSet", status(3, generation=2)["status"]), True, "3/3 ready"),
        (made("Deployment", {"observedGeneration": 2}, replicas=0), True, "0/0 ready"),
        (made("Deployment", {"observedGeneration": 2, "replicas": 1}), False, "0/1 ready, 1 old to go"),
        (
            made("Deployment", {"observedGeneration": 2, "replicas": 1, "updatedReplicas": 1, "availableReplicas": 1}),
            True,
            "1/1 ready",
        ),
        (made("Job", {"conditions": [{"type": "Failed", "status": "True", "message": "no"}]}), False, "failed: no"),
        (made("Job", {"conditions": [{"type": "Complete", "status": "True"}]}), True, "complete"),
        (made("CustomResourceDefinition", {}), False, "not yet established"),
        (made("ConfigMap", {}), True, "there"),
    ],
)
def test_states(obj: dict[str, Any], ready: bool, text: str) -> None:
    state = state_of(obj)
    assert (state.ready, state.text) == (ready, text)


def test_pods_that_stay_on_purpose_do_not_count_as_old() -> None:
    obj = made("DaemonSet", {**status(3, generation=2)["status"], "updatedNumberScheduled": 0})
    assert not state_of(obj).ready
    obj["spec"] = {"updateStrategy": {"type": "OnDelete"}}
    assert state_of(obj).ready


async def test_waits_by_watch_and_tells_what_it_sees(client: Client, stub: Cluster) -> None:
    told: list[str] = []

    async def controller() -> None:
        while AGENT not in stub.store.objects:  # noqa: ASYNC110 - the stub has no event for it
            await asyncio.sleep(0.01)
        for ready in (0, 2, 3):
            await asyncio.sleep(0.1)
            stub.store.patch(AGENT, status(ready), "controller")

    bundle = Bundle("links", (config("a"), daemon_set("agent")))
    running = asyncio.create_task(controller())
    await apply_bundle(client, bundle, progress=lambda cluster, text: told.append(f"{cluster}: {text}"))
    await running
    assert told[-2:] == ["east: DaemonSet agent 2/3 ready", "east: DaemonSet agent 3/3 ready"]
    assert (await apply_bundle(client, bundle)).requests == 1


async def test_says_why_it_is_not_ready(client: Client, stub: Cluster) -> None:
    stub.store.put(
        "/api/v1/namespaces/default/pods/agent-1",
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "agent-1", "labels": {"app": "agent"}},
            "spec": {"nodeName": "b"},
            "status": {
                "containerStatuses": [
                    {"name": "m", "state": {"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}}}
                ]
            },
        },
    )
    with pytest.raises(FabricError) as caught:
        await apply_bundle(client, Bundle("links", (daemon_set("agent"),)), Options(deadline=3.5))
    assert "DaemonSet default/agent is not ready in time" in str(caught.value)
    assert "pod agent-1 on node b: ImagePullBackOff (no such image)" in str(caught.value)
    # the next run finds everything applied, and waits again
    stub.store.patch(AGENT, status(3), "controller")
    again = await apply_bundle(client, Bundle("links", (daemon_set("agent"),)))
    assert (again.changed, again.requests) == (False, 1)
