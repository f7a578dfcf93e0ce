"""What a peer's credential opens, on real API servers: what is exported, and nothing else."""

from __future__ import annotations

import base64
import json
import re
import time
import urllib.request
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
from ansible_collections.clusterset.fabric.plugins.module_utils.status.credentials import warnings

from .clusterset import HOME, OURS, Clusterset, Object, plan_of, without
from .servers import Server, free_port

LEASES = f"/apis/coordination.k8s.io/v1/namespaces/{HOME}/leases"
ACCOUNTS = f"/api/v1/namespaces/{HOME}/serviceaccounts"
RBAC = "/apis/rbac.authorization.k8s.io/v1"
TOKEN = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": 600}}
USER = f"system:serviceaccount:{HOME}"
POD = "/api/v1/namespaces/kube-system/pods/any"
ADMIN = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"}
ME = [{"kind": "ServiceAccount", "name": "peer-east", "namespace": HOME}]
IMPOSTORS = (("system:admin", ""), (f"{USER}:fabric-sync", ""), (f"{USER}:peer-east", "system:masters"))
FORBIDDEN: list[tuple[str, str, object, str | None]] = [
    # what others hold
    ("GET", f"/api/v1/namespaces/{HOME}/secrets", None, None),
    ("GET", f"/api/v1/namespaces/{HOME}/secrets/peer-north", None, None),
    ("GET", "/api/v1/secrets", None, None),
    ("POST", f"/api/v1/namespaces/{HOME}/secrets", {"metadata": {"name": "mine"}}, None),
    ("GET", f"/api/v1/namespaces/{HOME}/configmaps", None, None),
    ("GET", "/api/v1/namespaces/kube-system/configmaps", None, None),
    ("GET", ACCOUNTS, None, None),
    ("POST", f"{ACCOUNTS}/peer-north/token", TOKEN, None),
    ("POST", f"{ACCOUNTS}/fabric-sync/token", TOKEN, None),
    ("POST", "/api/v1/namespaces/kube-system/serviceaccounts/default/token", TOKEN, None),
    # the rest of the cluster
    ("GET", "/api/v1/namespaces", None, None),
    ("GET", "/api/v1/services", None, None),
    ("GET", "/apis/discovery.k8s.io/v1/endpointslices", None, None),
    ("GET", "/api/v1/nodes", None, None),
    ("GET", "/api/v1/nodes/any/proxy/metrics", None, None),
    ("GET", "/api/v1/pods", None, None),
    ("POST", f"{POD}/exec", None, None),
    ("GET", f"{POD}/log", None, None),
    ("POST", f"{POD}/portforward", None, None),
    ("GET", "/api/v1/namespaces/kube-system/services/kube-dns/proxy/metrics", None, None),
    ("GET", "/metrics", None, None),
    ("GET", "/logs", None, None),
    # what is ours, but not for peers
    ("GET", f"{OURS}/exportedservices", None, None),
    ("GET", f"{OURS}/namespaces/{HOME}/fabrics", None, None),
    ("GET", f"{OURS}/namespaces/{HOME}/peers", None, None),
    ("GET", f"{OURS}/namespaces/{HOME}/links", None, None),
    ("GET", LEASES, None, None),
    ("GET", f"{LEASES}/fabric-sync", None, None),
    # any change
    ("DELETE", f"{OURS}/namespaces/{HOME}/exportedservices/a.b", None, None),
    ("POST", f"{OURS}/namespaces/{HOME}/exportedservices", {"metadata": {"name": "a.b"}}, None),
    ("DELETE", f"{LEASES}/fabric-sync-alive", None, None),
    ("PATCH", f"{LEASES}/fabric-sync-alive", {"spec": {"holderIdentity": "thief"}}, MERGE),
    ("DELETE", f"{ACCOUNTS}/peer-east", None, None),
    ("PATCH", f"{ACCOUNTS}/peer-east", {"secrets": []}, MERGE),
    # more rights
    ("GET", f"{RBAC}/clusterroles", None, None),
    ("POST", f"{RBAC}/clusterrolebindings", {"metadata": {"name": "up"}, "roleRef": ADMIN, "subjects": ME}, None),
    ("POST", f"{RBAC}/namespaces/{HOME}/rolebindings", {"metadata": {"name": "up"}, "roleRef": ADMIN}, None),
    ("PATCH", f"{RBAC}/namespaces/{HOME}/roles/fabric-peer", {"rules": []}, MERGE),
    ("PATCH", f"{RBAC}/namespaces/{HOME}/roles/peer-east", {"rules": []}, MERGE),
    ("POST", f"{RBAC}/clusterroles", {"metadata": {"name": "up"}, "rules": []}, None),
    ("POST", "/apis/certificates.k8s.io/v1/certificatesigningrequests", {"metadata": {"name": "up"}}, None),
    ("POST", "/apis/authentication.k8s.io/v1/tokenreviews", {"spec": {"token": "x"}}, None),
    ("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", {"spec": {"user": "system:admin"}}, None),
]
"""Method, path, body, its type: what a peer's credential must not open."""


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


async def impersonating(client: Client, user: str, group: str) -> int:
    """What is answered to a request in another's name."""
    headers = {"Accept": "application/json", "Impersonate-User": user, "Impersonate-Group": group}
    try:
        url = client.session.url(f"{OURS}/namespaces/{HOME}/exportedservices")
        return (await client.session.call("GET", url, {k: v for k, v in headers.items() if v}, None))[0]
    except ApiError as error:
        return error.status


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
            answers = {f"{row[0]} {row[1]}": await status(client, *row) for row in FORBIDDEN}
            for user, group in IMPOSTORS:
                answers[f"as {user} {group}"] = await impersonating(client, user, group)
            assert len(answers) >= 45
            assert set(answers.values()) == {403}, answers
            century = {**TOKEN, "spec": {"expirationSeconds": 100 * 365 * 86400}}

            async def long_lived() -> int:
                return await status(client, "POST", f"{ACCOUNTS}/peer-east/token", century)

            await clusterset.wait(long_lived, 403)  # API servers take a policy into account a moment after its making
            assert await status(client, "POST", f"{ACCOUNTS}/peer-east/token", TOKEN) == 200
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


def left_of(port: int) -> dict[str, float]:
    """Seconds that a sync part's metrics give to its credentials, by peer."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        found = re.findall(r'(?m)^fabric_sync_peer_credential_seconds\{peer="(.+)"\} (.+)$', answer.read().decode())
    return {peer: float(seconds) for peer, seconds in found}


async def test_a_token_is_good_in_its_own_cluster_and_for_its_own_audience_only(
    clusters: dict[str, Server], tmp_path: Path
) -> None:
    async with Clusterset(clusters, tmp_path, plan_of(clusters)) as clusterset:
        await clusterset.share()
        token = decoded(await secret(clusterset, "east", "west"))["token"]
        async with stolen(clusterset, "east", "west") as client:
            other = {**TOKEN, "spec": {"audiences": ["another"], "expirationSeconds": 600}}
            elsewhere = (await client.request("POST", f"{ACCOUNTS}/peer-east/token", body=other))["status"]["token"]
        head, body, signature = token.split(".")
        claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
        claims["kubernetes.io"]["serviceaccount"]["name"] = "fabric-sync"
        forged = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
        attempts = {
            "its own": ("west", token),
            "at another cluster": ("north", token),
            "at its own cluster": ("east", token),
            "for another audience": ("west", elsewhere),
            "another account, old signature": ("west", f"{head}.{forged}.{signature}"),
            "no signature": ("west", f"{head}.{body}."),
            "nothing": ("west", "x"),
        }
        answers = {what: await presented(clusters[where], given) for what, (where, given) in attempts.items()}
        assert answers == {what: 200 if what == "its own" else 401 for what in attempts}


async def presented(server: Server, token: str) -> int:
    """What a server answers to a token of whatever origin."""
    access = await in_memory(ClusterRef("thief"), server.url, server.ca, token)
    async with Client(access, deadline=60) as client:
        return await status(client, "GET", f"{OURS}/namespaces/{HOME}/exportedservices")


async def test_the_sync_part_renews_its_token_by_itself(clusters: dict[str, Server], tmp_path: Path) -> None:
    pair = {name: clusters[name] for name in ("east", "west")}
    async with Clusterset(pair, tmp_path, plan_of(pair)) as clusterset:
        await clusterset.share()
        before = await secret(clusterset, "east", "west")
        ports = {name: free_port() for name in pair}
        old = {"fabric.clusterset.io/issued": "2020-01-01T00:00:00Z"}  # so that less than half of its life is left
        path = f"/api/v1/namespaces/{HOME}/secrets/peer-west"
        body = {"metadata": {"annotations": old}}
        await clusterset.client["east"].request("PATCH", path, body=body, content_type=MERGE)
        (told,) = await warnings(clusterset.client["east"])
        assert "its credential at west ends at" in told
        assert "and was not renewed" in told
        for name in pair:
            await clusterset.start(name, TOKEN_SECONDS="3600", POD_IP="127.0.0.1", METRICS_PORT=str(ports[name]))

        async def renewed() -> bool:
            return decoded(await secret(clusterset, "east", "west"))["token"] != decoded(before)["token"]

        await clusterset.wait(renewed, True, 30)
        assert not await warnings(clusterset.client["east"])

        async def told_by_metrics() -> bool:
            return 3400 < left_of(ports["east"])["west"] <= 3600

        await clusterset.wait(told_by_metrics, True, 10)
        async with stolen(clusterset, "east", "west") as client:
            assert await status(client, "GET", f"{OURS}/namespaces/{HOME}/exportedservices") == 200
        again = await clusterset.share()
        assert not any(result.changed for result in again.results.values())
