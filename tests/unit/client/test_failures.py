"""Each way in which a cluster can fail: it is named, in one sentence with a fix, and the others do not notice."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import closing

import pytest

from ansible_collections.clusterset.fabric.plugins.module_utils.client import retry
from ansible_collections.clusterset.fabric.plugins.module_utils.client.client import Client, open_client
from ansible_collections.clusterset.fabric.plugins.module_utils.client.errors import ApiError, Unreachable
from ansible_collections.clusterset.fabric.plugins.module_utils.client.fleet import fleet
from ansible_collections.clusterset.fabric.plugins.module_utils.client.types import ClusterRef, Outcome
from tests.benchmark.stub.certificates import Authority, server_context
from tests.benchmark.stub.server import Cluster, Stub

from .kubeconfigs import encoded, ref

PODS = "/api/v1/pods"


async def look(client: Client) -> int:
    return len(await client.list(PODS))


async def run(stub: Stub, *refs: ClusterRef, deadline: float = 2.0) -> dict[str, Outcome[int]]:
    chosen = refs or tuple(ClusterRef(name, stub.kubeconfig, name) for name in stub.clusters)
    return await fleet(chosen, look, deadline=deadline)


def breaks(**faults: object) -> Callable[[Cluster], None]:
    def apply(cluster: Cluster) -> None:
        for name, value in faults.items():
            setattr(cluster.faults, name, value)

    return apply


FAILURES = [
    (breaks(mute=True), Unreachable, "did not answer within 1 s", 1.0),
    (breaks(delay=5.0), Unreachable, "did not answer within 1 s", 1.0),
    (breaks(token="another"), ApiError, "401 Fault", 0.0),
    (breaks(status=403), ApiError, "403 Fault", 0.0),
    (breaks(status=500), ApiError, "500 Fault", 0.0),
    (breaks(drop=99), Unreachable, "closed the connection", 0.0),
    (breaks(throttle=999, retry_after="30"), ApiError, "429 Fault", 0.0),
]


@pytest.mark.parametrize(("breaking", "kind", "text", "least"), FAILURES)
async def test_a_failing_cluster_fails_alone_and_by_name(
    stub: Stub, breaking: Callable[[Cluster], None], kind: type[Exception], text: str, least: float
) -> None:
    breaking(stub["west"])
    outcomes = await run(stub, deadline=1.0)
    assert [outcomes[name].value for name in ("east", "north")] == [0, 0]
    assert max(outcomes[name].seconds for name in ("east", "north")) < 0.8
    west = outcomes["west"]
    assert isinstance(west.error, kind)
    assert str(west.error).startswith("west: ")
    assert text in str(west.error)
    assert west.error.fix
    assert least <= west.seconds + 0.01 <= 1.5


async def test_a_cluster_that_is_down_is_reported_before_its_deadline(stub: Stub) -> None:
    unused = ref(stub, {"token": "t"}, server="https://127.0.0.1:1")
    outcome = (await run(stub, unused, deadline=30))["east"]
    assert "https://127.0.0.1:1 cannot be connected to (connection refused)" in str(outcome.error)
    assert outcome.seconds < 5


async def test_a_half_open_port_costs_one_deadline(stub: Stub) -> None:
    """The connection is taken, but nobody shakes hands."""
    server = await asyncio.start_server(lambda reader, writer: asyncio.sleep(60), "127.0.0.1", 0)
    with closing(server):  # not `async with`: since Python 3.12 that waits for clients that never hang up
        port = server.sockets[0].getsockname()[1]
        outcome = (await run(stub, ref(stub, {}, server=f"https://127.0.0.1:{port}"), deadline=1))["east"]
    assert "did not answer within 1 s" in str(outcome.error)
    assert outcome.seconds < 1.5


async def test_the_certificate_of_another_cluster_is_refused(stub: Stub) -> None:
    other = ref(stub, {}, certificate_authority_data=encoded(Authority("another").pem))
    outcome = (await run(stub, other))["east"]
    assert "was not issued by the authority in its kubeconfig" in str(outcome.error)
    assert stub["east"].total == 0
    assert outcome.seconds < 1


async def test_a_certificate_for_another_name_is_refused_unless_tls_server_name_says_it(stub: Stub) -> None:
    port = stub["east"].port
    named = ref(stub, {}, server=f"https://127.0.0.2:{port}", tls_server_name="other.example")
    server = await asyncio.get_running_loop().create_server(
        asyncio.Protocol, "127.0.0.2", port, ssl=server_context(stub.folder, stub.pair)
    )
    with closing(server):  # not `async with`: since Python 3.12 that waits for clients that never hang up
        outcome = (await run(stub, named))["east"]
    assert "is for another name" in str(outcome.error)
    right = ref(stub, {}, tls_server_name="api.stub.example")
    assert (await run(stub, right))["east"].value == 0


async def test_an_expired_certificate_is_called_expired(stub: Stub) -> None:
    pair = stub.authority.issue("old", "127.0.0.1", days=-1)
    old = Cluster("old")
    await stub.serve(old, server_context(stub.folder, pair))
    outcome = (await run(stub, ref(stub, {}, server=f"https://127.0.0.1:{old.port}")))["east"]
    assert "has expired" in str(outcome.error)


async def test_what_is_no_api_server_is_said_to_be_none(stub: Stub) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(4096)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nhey!")

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    with closing(server):  # not `async with`: since Python 3.12 that waits for clients that never hang up
        port = server.sockets[0].getsockname()[1]
        plain = (await run(stub, ref(stub, {}, server=f"http://127.0.0.1:{port}")))["east"]
        tls = (await run(stub, ref(stub, {}, server=f"https://127.0.0.1:{port}")))["east"]
    assert "not JSON" in str(plain.error)
    assert "TLS handshake" in str(tls.error)


async def test_a_name_without_an_address(stub: Stub) -> None:
    outcome = (await run(stub, ref(stub, {}, server="https://nowhere.invalid")))["east"]
    assert "the host of https://nowhere.invalid has no address" in str(outcome.error)


@pytest.mark.parametrize(("fault", "requests"), [("throttle", 4), ("fail", 4), ("drop", 2)])
async def test_what_passes_is_repeated(stub: Stub, fault: str, requests: int) -> None:
    setattr(stub["east"].faults, fault, requests - 1)
    outcome = (await run(stub, ClusterRef("east", stub.kubeconfig, "east"), deadline=10))["east"]
    assert (outcome.value, stub["east"].total) == (0, requests)


async def test_the_server_says_how_long_to_wait(stub: Stub) -> None:
    stub["east"].faults.throttle, stub["east"].faults.retry_after = 1, "1"
    started = time.monotonic()
    outcome = (await run(stub, ClusterRef("east", stub.kubeconfig, "east"), deadline=10))["east"]
    assert outcome.value == 0
    assert time.monotonic() - started >= 1


async def test_making_something_is_not_repeated_after_a_broken_connection(stub: Stub) -> None:
    stub["east"].faults.drop = 1

    async def make(client: Client) -> None:
        body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}
        await client.request("POST", "/api/v1/namespaces/default/configmaps", body=body)

    outcome = (await fleet([ClusterRef("east", stub.kubeconfig, "east")], make, deadline=5))["east"]
    assert isinstance(outcome.error, Unreachable)
    assert outcome.requests == 1


async def test_a_fault_of_ours_stays_with_its_cluster(stub: Stub) -> None:
    async def stumble(client: Client) -> int:
        if client.ref.name == "west":
            raise KeyError("x")
        return await look(client)

    refs = [ClusterRef(name, stub.kubeconfig, name) for name in stub.clusters]
    outcomes = await fleet(refs, stumble, deadline=5)
    assert "west: an unexpected fault: KeyError" in str(outcomes["west"].error)
    assert outcomes["east"].value == 0


async def test_a_retry_without_time_left_does_not_hide_the_reason(stub: Stub, monkeypatch: pytest.MonkeyPatch) -> None:
    stub["west"].faults.drop = 99
    client = await open_client(ClusterRef("west", stub.kubeconfig, "west"), deadline=0.5)
    monkeypatch.setattr(retry, "pause", lambda *_unused: client.remaining - 0.001)
    async with client:
        with pytest.raises(Unreachable, match="closed the connection"):
            await client.get("/version")
