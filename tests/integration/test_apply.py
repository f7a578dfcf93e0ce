"""Bundles on a real API server: what the stub cannot know, because only the server decides it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from typing import TypeVar

import pytest

from ansible_collections.clusterset.fabric.plugins.module_utils.apply.bundle import apply_bundle, delete_bundle
from ansible_collections.clusterset.fabric.plugins.module_utils.apply.types import Options, Result
from ansible_collections.clusterset.fabric.plugins.module_utils.client.client import Client, open_client
from ansible_collections.clusterset.fabric.plugins.module_utils.client.types import ClusterRef
from ansible_collections.clusterset.fabric.plugins.module_utils.errors import FabricError
from ansible_collections.clusterset.fabric.plugins.module_utils.objects.bundle import Bundle
from tests.integration.running import RunningLab
from tests.unit.apply.manifests import Object, config, daemon_set, definition, namespace, secret, thing

T = TypeVar("T")
CLUSTER = "north"
SPACE = "fabric-apply-test"
HOME = "fabric-apply-test-receipts"
CHECK = Options(check=True)
Put = Callable[..., Result]


class Target:
    """One real cluster; each call is a run of its own."""

    def __init__(self, lab: RunningLab) -> None:
        self.lab = lab
        self.progress: list[str] = []

    def do(self, work: Callable[[Client], Awaitable[T]]) -> T:
        async def run() -> T:
            ref = ClusterRef(CLUSTER, str(self.lab.kubeconfig), f"kind-{CLUSTER}")
            async with await open_client(ref, deadline=180) as client:
                return await work(client)

        return asyncio.run(run())

    def put(self, *objects: Object, options: Options | None = None, name: str = "probe") -> Result:
        bundle = Bundle(name, objects)

        async def work(client: Client) -> Result:
            return await apply_bundle(client, bundle, options, namespace=HOME, progress=self.say)

        return self.do(work)

    def delete(self, options: Options | None = None, name: str = "probe") -> Result:
        return self.do(lambda client: delete_bundle(client, name, options, namespace=HOME, progress=self.say))

    def say(self, cluster: str, text: str) -> None:
        self.progress.append(f"{cluster}: {text}")

    def kubectl(self, *words: str) -> str:
        return self.lab.kubectl(CLUSTER, *words)


@pytest.fixture
def target(lab: RunningLab) -> Iterator[Target]:
    found = Target(lab)
    yield found
    found.delete()
    found.delete(name="other")


def agent(lab: RunningLab, image: str = "") -> Object:
    made = daemon_set("agent", image or lab.environment()["AGENT_IMAGE"])
    made["metadata"]["namespace"] = SPACE
    (container,) = made["spec"]["template"]["spec"]["containers"]
    made["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] = 0
    container.update(imagePullPolicy="IfNotPresent", command=["python3", "-c", "import time; time.sleep(1e6)"])
    return made


def test_create_again_modify_again_delete_absent(target: Target) -> None:
    first = (namespace(SPACE), definition(), thing("x", size="1"), config("a", SPACE))
    second = (*first[:3], config("a", SPACE, key="new"))
    assert len(target.put(*first, options=CHECK).created) == 4
    assert SPACE not in target.kubectl("get", "namespaces")
    assert len(target.put(*first).created) == 4
    assert not target.put(*first, options=CHECK).changed
    again = target.put(*first)
    assert (again.changed, again.requests) == (False, 1)
    assert target.put(*second, options=CHECK).updated == (f"ConfigMap {SPACE}/a",)
    assert "value" in target.kubectl("get", "-n", SPACE, "configmap", "a", "-o", "yaml")
    assert target.put(*second).updated == (f"ConfigMap {SPACE}/a",)
    assert not target.put(*second, options=CHECK).changed
    assert not target.put(*second, options=Options(drift="full")).changed
    assert len(target.delete(CHECK).pruned) == 5
    assert SPACE in target.kubectl("get", "namespaces")
    assert len(target.delete().pruned) == 5
    assert not target.delete(CHECK).changed
    assert not target.delete().changed
    assert SPACE not in target.kubectl("get", "namespaces")


def test_objects_that_leave_the_bundle_are_pruned(target: Target) -> None:
    target.put(namespace(SPACE), config("a", SPACE), config("b", SPACE), config("released", SPACE))
    target.kubectl("label", "-n", SPACE, "configmap", "released", "applyset.kubernetes.io/part-of-")
    result = target.put(namespace(SPACE), config("b", SPACE))
    assert result.pruned == (f"ConfigMap {SPACE}/a",)
    assert "released" in target.kubectl("get", "-n", SPACE, "configmaps")


def test_an_edited_or_deleted_workload_is_put_right_and_waited_for(target: Target) -> None:
    objects = (namespace(SPACE), agent(target.lab))
    assert target.put(*objects).changed
    assert any("DaemonSet agent" in line and "ready" in line for line in target.progress)
    again = target.put(*objects)
    assert (again.changed, again.requests) == (False, 1)
    target.kubectl("set", "env", "-n", SPACE, "daemonset/agent", "STRANGER=1")
    target.put(*objects)  # an addition of another manager stays; our seal is renewed
    assert target.put(*objects).requests == 1
    image = (
        '{"spec":{"template":{"spec":{"terminationGracePeriodSeconds":1,"containers":[{"name":"main","image":"x"}]}}}}'
    )
    target.kubectl("patch", "-n", SPACE, "daemonset/agent", "-p", image)
    assert target.put(*objects).updated == (f"DaemonSet {SPACE}/agent",)
    target.kubectl("delete", "-n", SPACE, "daemonset/agent")
    assert target.put(*objects, options=CHECK).created == (f"DaemonSet {SPACE}/agent",)
    assert target.put(*objects).created == (f"DaemonSet {SPACE}/agent",)
    assert not target.put(*objects).changed


def test_a_workload_that_never_starts_says_why(target: Target) -> None:
    broken = agent(target.lab, "registry.invalid/none:1")
    broken["spec"]["template"]["spec"]["containers"][0]["imagePullPolicy"] = "Never"
    with pytest.raises(FabricError) as caught:
        target.put(namespace(SPACE), broken, options=Options(deadline=20))
    assert f"{CLUSTER}: DaemonSet {SPACE}/agent is not ready in time (0/" in str(caught.value)
    assert "pod agent-" in str(caught.value)
    assert "ErrImageNeverPull" in str(caught.value)


def test_a_field_of_another_manager_is_taken_over(target: Target) -> None:
    target.put(namespace(SPACE))
    target.kubectl("create", "configmap", "-n", SPACE, "shared", "--from-literal=key=theirs", "--from-literal=more=1")
    ours = config("shared", SPACE, key="ours")
    assert target.put(namespace(SPACE), ours, options=CHECK).updated == (f"ConfigMap {SPACE}/shared",)
    assert target.put(namespace(SPACE), ours).updated == (f"ConfigMap {SPACE}/shared",)
    data = json.loads(target.kubectl("get", "-n", SPACE, "configmap", "shared", "-o", "json"))["data"]
    assert data == {"key": "ours", "more": "1"}


def test_a_secret_never_shows(target: Target) -> None:
    made = {**secret("s", password="aHVudGVyMg=="), "metadata": {"name": "s", "namespace": SPACE}}
    changed = {**made, "data": {"password": "aHVudGVyMw=="}}
    results = [
        target.put(namespace(SPACE), made, options=Options(check=True, diff=True)),
        target.put(namespace(SPACE), made, options=Options(diff=True)),
        target.put(namespace(SPACE), changed, options=Options(check=True, diff=True)),
        target.put(namespace(SPACE), changed, options=Options(diff=True)),
    ]
    receipt = target.kubectl("get", "-n", HOME, "configmap", "fabric-receipt-probe", "-o", "yaml")
    assert all(result.changed for result in results)
    assert "aHVudGVy" not in f"{results}{receipt}{target.progress}"
    assert "***" in str(results)
    assert not target.put(namespace(SPACE), changed).changed


def test_what_the_server_refuses_is_said_by_name(target: Target) -> None:
    bad = {**config("a", SPACE), "data": {"not a key": "x"}}
    with pytest.raises(FabricError, match=rf"{CLUSTER}: ConfigMap {SPACE}/a: .* 422 Invalid"):
        target.put(namespace(SPACE), bad)
    with pytest.raises(FabricError, match=r"ConfigMap absent/a: .* 404"):
        target.put(config("a", "absent"))
