"""What a peer's credential opens, on real API servers: what is exported, and nothing else."""

from __future__ import annotations

import base64
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from ansible_collections.clusterset.fabric.plugins.module_utils.apply.services import forget_peer
from ansible_collections.clusterset.fabric.plugins.module_utils.apply.types import Options
from ansible_collections.clusterset.fabric.plugins.module_utils.client.access import in_memory
from ansible_collections.clusterset.fabric.plugins.module_utils.client.client import MERGE, Client
from ansible_collections.clusterset.fabric.plugins.module_utils.client.errors import ApiError
from ansible_collections.clusterset.fabric.plugins.module_utils.client.types import ClusterRef
from ansible_collections.clusterset.fabric.plugins.module_utils.objects.links import peer_objects

from .clusterset import HOME, OURS, Clusterset, Object, plan_of, without
from .servers import Server

LEASES = f"/apis/coordination.k8s.io/v1/namespaces/{HOME}/leases"
ACCOUNTS = f"/api/v1/namespaces/{HOME}/serviceaccounts"
TOKEN = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": 600}}


async def secret(clusterset: Clusterset, reader: str, peer: str) -> Object:
    return await clusterset.client[reader].get(f"/api/v1/namespaces/{HOME}/secrets/peer-{peer}")


def decoded(found: Object) -> dict[str, str]:
    return {name: base64.b64decode(value).decode() for name, value in found["data"].items()}


@asynccontextmanager
async def stolen(clusterset: Clusterset, reader: str, peer: str) -> AsyncIterator[Client]:
    """A client with the credential that ``reader`` has at ``peer``."""
    data = decoded(await secret(clusterset, reader, peer))
    access = await in_memory(ClusterRef("thief"), data["server"], data["ca.crt"], data["token"], data["server-name"])
    async with Client(access, deadline=60) as client:
        yield client


async def test_a_fenced_cluster_is_withdrawn_everywhere_although_it_never_answers(
    clusterset: Clusterset,
) -> None:
    key, active = (f"t{uuid.uuid4().hex[:8]}", "hello"), clusterset.plan
    await clusterset.make_namespace(key[0])
    both = {"east": ["10.41.0.7"], "west": ["10.42.0.7"]}
    for host, addresses in both.items():
        await clusterset.export(host, key, addresses)
    for host in clusterset.clusters:
        await clusterset.wait(lambda host=host: clusterset.addresses(host, key), both, 40)  # type: ignore[misc]
    others = without(clusterset.clusters, "west")
    peer = clusterset.peer("west")
    clusterset.clusters["west"].api.freeze()
    try:
        clusterset.plan = plan_of(clusterset.clusters, fenced="west")
        for host in others:  # as the links stage does it, which needs nodes
            assert "west" not in [
                each["metadata"]["name"] for each in peer_objects(clusterset.plan, clusterset.plan.cluster(host))
            ]
            await clusterset.client[host].delete(f"{OURS}/namespaces/{HOME}/peers/west")
        began = time.monotonic()
        await clusterset.share()
        assert time.monotonic() - began < 30
        for host in others:
            await clusterset.wait(lambda host=host: clusterset.addresses(host, key), {"east": both["east"]}, 20)  # type: ignore[misc]
            for path in (f"{ACCOUNTS}/peer-west", f"/api/v1/namespaces/{HOME}/secrets/peer-west"):
                assert await clusterset.client[host].try_get(path) is None
        again = await clusterset.share()
        assert not any(result.changed for result in again.results.values()), again.results
    finally:
        clusterset.clusters["west"].api.thaw()
    clusterset.plan = active
    for host in others:
        await clusterset.client[host].apply(peer)
    await clusterset.share()
    for host in clusterset.clusters:
        await clusterset.wait(lambda host=host: clusterset.addresses(host, key), both, 40)  # type: ignore[misc]


async def status(
    client: Client, method: str, path: str, body: object = None, kind: str | None = None, **params: str
) -> int:
    try:
        await client.request(method, path, body=body, params=params, content_type=kind)
    except ApiError as error:
        return error.status
    return 200


async def test_a_peers_credential_opens_nothing_but_what_is_exported(
    clusters: dict[str, Server], tmp_path: Path
) -> None:
    async with Clusterset(clusters, tmp_path, plan_of(clusters)) as clusterset:
        await clusterset.share()
        metadata = {"name": "fabric-sync-alive", "namespace": HOME}
        lease = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata, "spec": {}}
        await clusterset.client["west"].apply(lease)
        async with stolen(clusterset, "east", "west") as client:
            only = {"fieldSelector": "metadata.name=fabric-sync-alive"}
            allowed = (
                await status(client, "GET", f"{OURS}/namespaces/{HOME}/exportedservices"),
                await status(client, "GET", f"{OURS}/namespaces/{HOME}/gateways"),
                await status(client, "GET", LEASES, **only),
                await status(client, "POST", f"{ACCOUNTS}/peer-east/token", TOKEN),
            )
            assert set(allowed) == {200}
            refused = [
                ("GET", f"/api/v1/namespaces/{HOME}/secrets"),
                ("GET", f"/api/v1/namespaces/{HOME}/secrets/peer-north"),
                ("GET", "/api/v1/secrets"),
                ("GET", "/api/v1/namespaces"),
                ("GET", "/api/v1/namespaces/kube-system/configmaps"),
                ("GET", f"/api/v1/namespaces/{HOME}/configmaps"),
                ("GET", "/api/v1/services"),
                ("GET", "/apis/discovery.k8s.io/v1/endpointslices"),
                ("GET", "/api/v1/nodes"),
                ("GET", f"{OURS}/exportedservices"),
                ("GET", f"{OURS}/namespaces/{HOME}/fabrics"),
                ("GET", f"{OURS}/namespaces/{HOME}/peers"),
                ("GET", f"{OURS}/namespaces/{HOME}/links"),
                ("GET", LEASES),
                ("GET", f"{LEASES}/fabric-sync"),
                ("GET", ACCOUNTS),
                ("DELETE", f"{OURS}/namespaces/{HOME}/exportedservices/a.b"),
                ("DELETE", f"{LEASES}/fabric-sync-alive"),
            ]
            answers = {f"{method} {path}": await status(client, method, path) for method, path in refused}
            patch = {"spec": {"holderIdentity": "thief"}}
            answers["lease"] = await status(client, "PATCH", f"{LEASES}/fabric-sync-alive", patch, MERGE)
            answers["other token"] = await status(client, "POST", f"{ACCOUNTS}/peer-north/token", TOKEN)
            answers["sync token"] = await status(client, "POST", f"{ACCOUNTS}/fabric-sync/token", TOKEN)
            export = {"metadata": {"name": "a.b"}, "spec": {"namespace": "a", "name": "b"}}
            answers["export"] = await status(client, "POST", f"{OURS}/namespaces/{HOME}/exportedservices", export)
            assert set(answers.values()) == {403}, answers
            assert await forget_peer(clusterset.client["west"], "east", Options())

            async def opens() -> int:
                return await status(client, "GET", f"{OURS}/namespaces/{HOME}/exportedservices")

            assert await clusterset.wait(opens, 403) < 2.0  # its rights are gone at once,
            await clusterset.wait(opens, 401, 30)  # and the token, which API servers remember for ten seconds
        await clusterset.share()
        async with stolen(clusterset, "east", "west") as client:
            assert await status(client, "GET", f"{OURS}/namespaces/{HOME}/exportedservices") == 200


async def test_a_second_run_changes_nothing_and_a_bad_token_is_replaced(
    clusters: dict[str, Server], tmp_path: Path
) -> None:
    async with Clusterset(clusters, tmp_path, plan_of(clusters)) as clusterset:
        await clusterset.share()
        before = await secret(clusterset, "east", "west")
        again = await clusterset.share()
        assert not any(result.changed for result in again.results.values())
        assert (await secret(clusterset, "east", "west"))["metadata"]["resourceVersion"] == before["metadata"][
            "resourceVersion"
        ]
        refused = {"metadata": {"annotations": {"fabric.clusterset.io/refused": "true"}}}
        path = f"/api/v1/namespaces/{HOME}/secrets/peer-west"
        await clusterset.client["east"].request("PATCH", path, body=refused, content_type=MERGE)
        told = await clusterset.share(Options(wait=False, check=True))
        assert told.results["east"].created == (f"Secret {HOME}/peer-west",)
        third = await clusterset.share()
        assert {host: result.changed for host, result in third.results.items()} == {
            "east": True,
            "north": False,
            "west": False,
        }
        assert decoded(await secret(clusterset, "east", "west"))["token"] != decoded(before)["token"]
        shown = repr([third.results, third.failed])
        assert not [value for value in decoded(before).values() if value in shown and value.startswith("eyJ")]


async def test_the_sync_part_renews_its_token_by_itself(clusters: dict[str, Server], tmp_path: Path) -> None:
    pair = {name: clusters[name] for name in ("east", "west")}
    async with Clusterset(pair, tmp_path, plan_of(pair)) as clusterset:
        await clusterset.share()
        before = await secret(clusterset, "east", "west")
        old = {"fabric.clusterset.io/issued": "2020-01-01T00:00:00Z"}  # so that less than half of its life is left
        path = f"/api/v1/namespaces/{HOME}/secrets/peer-west"
        body = {"metadata": {"annotations": old}}
        await clusterset.client["east"].request("PATCH", path, body=body, content_type=MERGE)
        for name in pair:
            await clusterset.start(name, TOKEN_SECONDS="3600")

        async def renewed() -> bool:
            return decoded(await secret(clusterset, "east", "west"))["token"] != decoded(before)["token"]

        await clusterset.wait(renewed, True, 30)
        async with stolen(clusterset, "east", "west") as client:
            assert await status(client, "GET", f"{OURS}/namespaces/{HOME}/exportedservices") == 200
        again = await clusterset.share()
        assert not any(result.changed for result in again.results.values())
