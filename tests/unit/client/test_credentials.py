"""Every kind of credential in a kubeconfig reaches the server; none of them reaches the disk or a message."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import sys
from pathlib import Path

import pytest

from ansible_collections.clusterset.fabric.plugins.module_utils.client import exec_plugin
from ansible_collections.clusterset.fabric.plugins.module_utils.client.client import Client, open_client
from ansible_collections.clusterset.fabric.plugins.module_utils.client.errors import ApiError, Unreachable
from ansible_collections.clusterset.fabric.plugins.module_utils.client.fleet import fleet
from ansible_collections.clusterset.fabric.plugins.module_utils.client.types import ClusterRef
from tests.benchmark.stub.server import Stub

from .kubeconfigs import encoded, ref

SECRET = "t0p-secret"
EXEC = "client.authentication.k8s.io/v1"


async def ask(wanted: ClusterRef, times: int = 1) -> None:
    async with await open_client(wanted, deadline=5) as client:
        for _time in range(times):
            await client.list("/api/v1/pods")


def program(folder: Path, text: str) -> dict[str, object]:
    path = folder / "plugin.py"
    path.write_text(text)
    return {"exec": {"apiVersion": EXEC, "command": sys.executable, "args": [str(path)]}}


def answering(folder: Path, **status: str) -> dict[str, object]:
    answer = json.dumps({"apiVersion": EXEC, "kind": "ExecCredential", "status": status})
    return program(folder, f"open({str(folder / 'runs')!r}, 'a').write('x')\nprint({answer!r})")


async def test_token(stub: Stub) -> None:
    stub["east"].faults.token = SECRET
    await ask(ref(stub, {"token": SECRET}))
    with pytest.raises(ApiError, match="401"):
        await ask(ref(stub, {"token": "other"}))


async def test_token_file_is_read_again_when_it_is_refused(stub: Stub, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(f"{SECRET}\n")
    stub["east"].faults.token = SECRET
    async with await open_client(ref(stub, {"tokenFile": "token"}), deadline=5) as client:
        await client.list("/api/v1/pods")
        stub["east"].faults.token = "rotated"
        file.write_text("rotated\n")
        await client.list("/api/v1/pods")


async def test_client_certificate_without_a_trace_on_disk(stub: Stub, tmp_path: Path) -> None:
    certificate, key = stub.authority.issue("fabric-admin")
    user = {"client-certificate-data": encoded(certificate), "client-key-data": encoded(key)}
    before = set(os.listdir("/tmp"))
    await ask(ref(stub, user))
    assert stub["east"].identities == {"fabric-admin"}
    new = [Path("/tmp", name) for name in set(os.listdir("/tmp")) - before]
    assert not [path for path in new if path.is_file() and b"PRIVATE" in path.read_bytes()]


async def test_client_certificate_in_files_beside_the_kubeconfig(stub: Stub, tmp_path: Path) -> None:
    for name, content in zip(("c.pem", "k.pem"), stub.authority.issue("from-file"), strict=True):
        (tmp_path / name).write_bytes(content)
    await ask(ref(stub, {"client-certificate": "c.pem", "client-key": "k.pem"}))
    assert stub["east"].identities == {"from-file"}


async def test_exec_plugin_runs_once_for_all_clusters(stub: Stub, tmp_path: Path) -> None:
    user = answering(tmp_path, token=SECRET)
    for cluster in stub.clusters.values():
        cluster.faults.token = SECRET
    refs = []
    for name in stub.clusters:
        one = ref(stub, user, name)
        path = tmp_path / f"{name}.yaml"
        Path(str(one.kubeconfig)).rename(path)
        refs.append(ClusterRef(name, str(path)))

    async def look(client: Client) -> int:
        return len(await client.list("/api/v1/pods"))

    outcomes = await fleet(refs, look, deadline=20)
    assert [outcome.error for outcome in outcomes.values()] == [None] * 3
    assert (tmp_path / "runs").read_text() == "x"


async def test_exec_plugin_is_asked_again_when_its_token_is_refused(stub: Stub, tmp_path: Path) -> None:
    user = answering(tmp_path, token=SECRET)
    stub["east"].faults.token = SECRET
    async with await open_client(ref(stub, user), deadline=20) as client:
        await client.list("/api/v1/pods")
        stub["east"].faults.token = "rotated"
        answering(tmp_path, token="rotated")
        await client.list("/api/v1/pods")


async def test_exec_plugin_may_give_a_certificate(stub: Stub, tmp_path: Path) -> None:
    certificate, key = (part.decode() for part in stub.authority.issue("by-exec"))
    await ask(ref(stub, answering(tmp_path, clientCertificateData=certificate, clientKeyData=key)))
    assert stub["east"].identities == {"by-exec"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("import sys; sys.exit('not logged in')", "ended with status 1: not logged in"),
        ("print('secret-but-not-json')", "printed no ExecCredential"),
        ("print('{\"status\": {}}')", "neither a token nor a certificate"),
    ],
)
async def test_a_failing_exec_plugin_is_named(stub: Stub, tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(Unreachable) as caught:
        await ask(ref(stub, program(tmp_path, text)))
    assert said in str(caught.value)
    assert "secret-but" not in str(caught.value)


async def test_a_missing_exec_plugin_brings_its_hint(stub: Stub) -> None:
    user = {"exec": {"apiVersion": EXEC, "command": "no-such-plugin", "installHint": "get it from\nexample.com"}}
    with pytest.raises(Unreachable, match=r"'no-such-plugin' cannot be run .* get it from example.com"):
        await ask(ref(stub, user))


async def test_a_failure_that_nobody_waits_for_any_more_is_not_complained_about(
    stub: Stub, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    user = program(tmp_path, "import time; time.sleep(0.6)")
    with pytest.raises(Unreachable):
        await open_client(ref(stub, user), deadline=0.2)
    await asyncio.wait(list(exec_plugin._running.values()))
    await asyncio.sleep(0)
    gc.collect()
    assert "never retrieved" not in caplog.text


async def test_an_exec_plugin_that_hangs_costs_one_deadline(stub: Stub, tmp_path: Path) -> None:
    user = program(tmp_path, "import time; time.sleep(30)")
    with pytest.raises(Unreachable, match="its credential was not there within 1 s"):
        await open_client(ref(stub, user), deadline=1)
    for task in list(exec_plugin._running.values()):
        task.cancel()
    await asyncio.sleep(0.1)


async def test_oidc_renews_its_token_and_keeps_the_rotated_one(stub: Stub, tmp_path: Path) -> None:
    """An identity provider of a few lines, behind the stub's own certificate."""
    from tests.benchmark.stub.certificates import server_context

    async def provider(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await reader.readuntil(b"\r\n\r\n"):
            if head.startswith(b"POST"):
                length = next(int(line.split(b":")[1]) for line in head.split(b"\r\n") if b"ength:" in line)
                form = await reader.readexactly(length)
                assert b"refresh_token=old" in form
                answer = {"id_token": SECRET, "refresh_token": "rotated"}
            else:
                answer = {"token_endpoint": f"{issuer}/token"}
            body = json.dumps(answer).encode()
            header = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
            writer.write(header.encode() + body)

    server = await asyncio.start_server(provider, "127.0.0.1", 0, ssl=server_context(tmp_path, stub.pair))
    issuer = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    settings = {
        "idp-issuer-url": issuer,
        "idp-certificate-authority-data": encoded(stub.authority.pem),
        "client-id": "fabric",
        "refresh-token": "old",
    }
    stub["east"].faults.token = SECRET
    wanted = ref(stub, {"auth-provider": {"name": "oidc", "config": settings}})
    os.chmod(str(wanted.kubeconfig), 0o600)
    await ask(wanted)
    server.close()
    assert "rotated" in Path(str(wanted.kubeconfig)).read_text()
    assert os.stat(str(wanted.kubeconfig)).st_mode & 0o777 == 0o600


async def test_proxy_url_is_used(stub: Stub) -> None:
    """A proxy that only knows CONNECT, and says where it was sent."""
    seen: list[bytes] = []

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            writer.write(data)
        writer.close()

    async def proxy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append((await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")[0])
        there_reader, there_writer = await asyncio.open_connection("127.0.0.1", stub["east"].port)
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        await asyncio.gather(pump(reader, there_writer), pump(there_reader, writer))

    server = await asyncio.start_server(proxy, "127.0.0.1", 0)
    address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    await ask(ref(stub, {"token": "t"}, server="https://api.stub.example:6443", proxy_url=address), times=2)
    assert seen == [b"CONNECT api.stub.example:6443 HTTP/1.1"]
    server.close()


async def test_no_cluster_needs_the_systems_certificates(stub: Stub, monkeypatch: pytest.MonkeyPatch) -> None:
    def costly(*_: object) -> None:
        raise AssertionError("the system's bundle was read")

    monkeypatch.setattr("ssl.SSLContext.load_default_certs", costly)
    await ask(ref(stub, {"token": "t"}))
    await ask(ref(stub, {"token": "t"}, certificate_authority_data=None, insecure_skip_tls_verify=True))
