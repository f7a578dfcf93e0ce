from __future__ import annotations

import json

import pytest

from ansible_collections.clusterset.fabric.plugins.module_utils.apply.bundle import apply_bundle, delete_bundle
from ansible_collections.clusterset.fabric.plugins.module_utils.apply.types import Options, Result
from ansible_collections.clusterset.fabric.plugins.module_utils.client.client import Client
from ansible_collections.clusterset.fabric.plugins.module_utils.errors import FabricError
from ansible_collections.clusterset.fabric.plugins.module_utils.objects.bundle import Bundle
from tests.benchmark.stub.server import Cluster

from .manifests import Object, config, daemon_set, definition, namespace, secret, thing

CONFIGS = "/api/v1/namespaces/default/configmaps"
AGENT = "/apis/apps/v1/namespaces/default/daemonsets/agent"
HOME = "Namespace clusterset-fabric"
QUIET = Options(wait=False)


async def put(client: Client, *objects: Object, options: Options = QUIET, name: str = "links") -> Result:
    return await apply_bundle(client, Bundle(name, objects), options)


def counts(result: Result) -> tuple[int, int, int, int]:
    return len(result.created), len(result.updated), len(result.pruned), result.unchanged


async def test_the_whole_life_of_an_object(client: Client, stub: Cluster) -> None:
    check = Options(check=True)
    assert counts(await put(client, config("a"), options=check)) == (1, 0, 0, 0)
    assert not stub.store.writes
    assert counts(await put(client, config("a"))) == (1, 0, 0, 0)
    writes = stub.store.writes
    assert not (await put(client, config("a"), options=check)).changed
    assert not (await put(client, config("a"))).changed
    assert stub.store.writes == writes
    assert (await put(client, config("a", key="new"), options=check)).updated == ("ConfigMap default/a",)
    assert stub.store.writes == writes
    assert (await put(client, config("a", key="new"))).updated == ("ConfigMap default/a",)
    assert not (await put(client, config("a", key="new"))).changed
    writes = stub.store.writes
    assert (await delete_bundle(client, "links", check)).pruned == ("ConfigMap default/a", HOME)
    assert stub.store.writes == writes
    assert (await delete_bundle(client, "links")).changed
    assert f"{CONFIGS}/a" not in stub.store.objects
    assert not (await delete_bundle(client, "links", check)).changed
    assert not (await delete_bundle(client, "links")).changed


async def test_definitions_come_before_their_objects(client: Client, stub: Cluster) -> None:
    objects = [thing("x", size="1"), config("a", "made"), namespace("made"), definition()]
    assert counts(await put(client, *objects, options=Options(check=True))) == (4, 0, 0, 0)
    assert counts(await put(client, *objects)) == (4, 0, 0, 0)
    assert not (await put(client, *objects)).changed
    log = [line for line in stub.log if line.startswith("PATCH") and "dryRun" not in line and "receipt" not in line]
    assert "customresourcedefinitions" in "".join(log[1:3])
    assert "things/x" in log[-1]


async def test_a_second_run_asks_one_question(client: Client) -> None:
    objects = [daemon_set("agent"), *(config(f"c{number}") for number in range(20))]
    assert counts(await put(client, *objects)) == (21, 0, 0, 0)
    again = await put(client, *objects)
    assert (again.changed, again.requests, again.unchanged) == (False, 1, 21)
    without = await put(client, *objects[1:], name="other")
    assert without.created == ()
    assert (await put(client, *objects[1:], name="other")).requests == 1


@pytest.mark.parametrize("how", ["deleted", "edited", "made anew"])
async def test_a_workload_that_is_not_as_left_is_put_right(client: Client, stub: Cluster, how: str) -> None:
    objects = [config("a"), daemon_set("agent")]
    await put(client, *objects)
    if how != "edited":
        stub.store.delete(AGENT, "")
    if how == "edited":
        stub.store.patch(AGENT, {"spec": {"template": {"metadata": {"labels": {"app": "other"}}}}}, "someone")
    if how == "made anew":
        stub.store.put(AGENT, daemon_set("agent", "example.com/other:1"))
    expected = "created" if how == "deleted" else "updated"
    rehearsed = await put(client, *objects, options=Options(check=True))
    assert getattr(rehearsed, expected) == ("DaemonSet default/agent",)
    assert getattr(await put(client, *objects), expected) == ("DaemonSet default/agent",)
    assert (await put(client, *objects)).requests == 1


async def test_full_drift_notices_any_object(client: Client, stub: Cluster) -> None:
    objects = [config("a"), config("b"), daemon_set("agent")]
    await put(client, *objects)
    stub.store.patch(f"{CONFIGS}/a", {"data": {"key": "edited"}}, "someone")
    assert not (await put(client, *objects)).changed
    full = Options(wait=False, drift="full")
    assert (await put(client, *objects, options=full)).updated == ("ConfigMap default/a",)
    stub.store.delete(f"{CONFIGS}/b", "")
    assert (await put(client, *objects, options=full)).created == ("ConfigMap default/b",)
    assert not (await put(client, *objects, options=full)).changed


async def test_what_the_bundle_drops_is_pruned(client: Client, stub: Cluster) -> None:
    await put(client, config("a"), config("b"), config("kept"))
    stub.store.patch(f"{CONFIGS}/kept", {"metadata": {"labels": {"applyset.kubernetes.io/part-of": None}}}, "someone")
    await put(client, config("b"), name="other")  # another bundle has taken it over
    assert (await put(client, config("c"), options=Options(check=True))).pruned == ("ConfigMap default/a",)
    result = await put(client, config("c"))
    assert (result.created, result.pruned) == (("ConfigMap default/c",), ("ConfigMap default/a",))
    assert {f"{CONFIGS}/b", f"{CONFIGS}/c", f"{CONFIGS}/kept"} <= set(stub.store.objects)
    assert not (await put(client, config("c"))).changed


async def test_an_interrupted_apply_is_taken_up_again(client: Client, stub: Cluster) -> None:
    await put(client, config("a"), daemon_set("agent"))
    stub.faults.forbid = "PATCH"
    with pytest.raises(FabricError, match="403"):
        await put(client, config("a", key="new"), daemon_set("agent"))
    stub.faults.forbid = ""
    broken = [config("a", key="new"), {**config("bad"), "metadata": {"name": "bad", "namespace": "absent"}}]
    with pytest.raises(FabricError, match="ConfigMap absent/bad"):
        await put(client, *broken, daemon_set("agent"))
    # back to the first content: the receipt must not claim that it is still there
    assert (await put(client, config("a"), daemon_set("agent"))).updated == ("ConfigMap default/a",)


async def test_a_secret_leaves_no_trace(client: Client, stub: Cluster) -> None:
    show = Options(wait=False, diff=True)
    await put(client, secret("s", password="aHVudGVyMg=="))
    result = await put(client, secret("s", password="aHVudGVyMw==", other="eA=="), options=show)
    text = json.dumps([[d.before, d.after] for d in result.diffs])
    assert "*** (before)" in text
    assert "*** (after)" in text
    assert "aHVudGVy" not in text
    receipts = json.dumps([o for p, o in stub.store.objects.items() if "receipt" in p])
    assert "aHVudGVy" not in receipts
    records = json.loads(next(o for p, o in stub.store.objects.items() if "receipt" in p)["data"]["objects"])
    assert records[0][4] == ""  # no hash to guess with
    again = await put(client, secret("s", password="aHVudGVyMw==", other="eA=="))
    assert (again.changed, again.requests) == (False, 2)
    stub.store.patch("/api/v1/namespaces/default/secrets/s", {"data": {"password": "bm8="}}, "someone")
    assert (await put(client, secret("s", password="aHVudGVyMw==", other="eA=="))).changed


async def test_diffs_show_both_sides(client: Client) -> None:
    await put(client, config("a", key="old"))
    for options in (Options(check=True, diff=True), Options(diff=True, wait=False)):
        (diff,) = (await put(client, config("a", key="new"), options=options)).diffs
        assert "key: old" in diff.before
        assert "key: new" in diff.after
        assert "managedFields" not in diff.before + diff.after


async def test_the_last_bundle_takes_the_namespace_along(client: Client, stub: Cluster) -> None:
    home = "/api/v1/namespaces/clusterset-fabric"
    await put(client, config("n"), name="network")
    await put(client, namespace("clusterset-fabric"), config("a", "clusterset-fabric"), name="links")
    await delete_bundle(client, "links")
    assert home in stub.store.objects
    await delete_bundle(client, "network")
    assert not [path for path in stub.store.objects if "clusterset-fabric" in path]


async def test_a_lost_receipt_does_not_lose_the_objects(client: Client, stub: Cluster) -> None:
    await put(client, config("a"), daemon_set("agent"))
    stub.store.delete("/api/v1/namespaces/clusterset-fabric/configmaps/fabric-receipt-links", "")
    assert len((await delete_bundle(client, "links")).pruned) == 2 + 1  # and the namespace
    assert AGENT not in stub.store.objects


async def test_parents_follow_the_applyset_specification(client: Client, stub: Cluster) -> None:
    await put(client, config("a"), daemon_set("agent"))
    parent = stub.store.objects["/api/v1/namespaces/clusterset-fabric/configmaps/fabric-receipt-links"]["metadata"]
    applyset = parent["labels"]["applyset.kubernetes.io/id"]
    assert applyset.startswith("applyset-")
    assert applyset.endswith("-v1")
    assert stub.store.objects[AGENT]["metadata"]["labels"]["applyset.kubernetes.io/part-of"] == applyset
    assert parent["annotations"]["applyset.kubernetes.io/contains-group-kinds"] == "ConfigMap,DaemonSet.apps"
    assert parent["annotations"]["applyset.kubernetes.io/additional-namespaces"] == "default"


async def test_bad_bundles_are_refused(client: Client, stub: Cluster) -> None:
    with pytest.raises(FabricError, match="ConfigMap default/a twice"):
        await put(client, config("a"), config("a"))
    with pytest.raises(FabricError, match="without apiVersion"):
        await put(client, {"kind": "ConfigMap"})
    assert not stub.total


async def test_an_object_without_a_namespace_is_known_again(client: Client, stub: Cluster) -> None:
    objects = [config("a"), daemon_set("agent"), definition(), thing("x", size="1")]
    for obj in objects:
        obj["metadata"].pop("namespace", None)
    assert counts(await put(client, *objects)) == (4, 0, 0, 0)
    assert (await put(client, *objects)).requests == 1
    assert (await put(client, *objects[1:])).pruned == ("ConfigMap default/a",)


async def test_a_lost_seal_is_renewed(client: Client, stub: Cluster) -> None:
    await put(client, daemon_set("agent"))
    stub.store.patch(AGENT, {"metadata": {"annotations": {"fabric.clusterset.io/seal": None}}}, "someone")
    again = await put(client, daemon_set("agent"))
    assert (again.changed, again.requests) == (False, 3)
    assert (await put(client, daemon_set("agent"))).requests == 1
