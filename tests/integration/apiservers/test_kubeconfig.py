"""Access for people and jobs, by the playbook itself, on real API servers."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.clusterset.fabric.plugins.module_utils.apply.holders import grant, revoke_all
from ansible_collections.clusterset.fabric.plugins.module_utils.apply.types import Options
from ansible_collections.clusterset.fabric.plugins.module_utils.client.client import Client, open_client
from ansible_collections.clusterset.fabric.plugins.module_utils.client.errors import ApiError
from ansible_collections.clusterset.fabric.plugins.module_utils.client.types import ClusterRef
from ansible_collections.clusterset.fabric.plugins.module_utils.errors import FabricError
from ansible_collections.clusterset.fabric.plugins.module_utils.report.kubeconfig_file import write
from tests.integration.running import ROOT

from .clusterset import HOME, until
from .servers import Server

RBAC = "/apis/rbac.authorization.k8s.io/v1"
ACCOUNT = f"/api/v1/namespaces/{HOME}/serviceaccounts/holder-ada"
BINDING = f"{RBAC}/clusterrolebindings/{HOME}:holder-ada"


class Play:
    """The playbook on an inventory of these servers."""

    def __init__(self, clusters: dict[str, Server], folder: Path) -> None:
        self.folder, self.file = folder, folder / "fabric-kubeconfig-ada.yml"
        hosts: dict[str, Any] = {
            name: {"fabric_kubeconfig": str(server.kubeconfig), "fabric_cluster_id": f"id-{name}"}
            for name, server in clusters.items()
        }
        group = {"hosts": hosts, "vars": {"ansible_connection": "local", "fabric_agent_image": "agent:1"}}
        (folder / "hosts.yml").write_text(yaml.safe_dump({"all": {"children": {"clusters": group}}}))

    def run(self, *arguments: str, code: int = 0, **variables: object) -> str:
        extra = [f"-e=fabric_kubeconfig_{name}={value}" for name, value in variables.items()]
        words = [Path(sys.executable).parent / "ansible-playbook", "-i", "hosts.yml", "clusterset.fabric.kubeconfig"]
        environment = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".build" / "collections")}
        done = subprocess.run(
            [*map(str, words), *extra, *arguments],
            cwd=self.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == code, done.stdout
        return done.stdout

    async def opened(self, context: str) -> Client:
        return await open_client(ClusterRef("ada", str(self.file), context), deadline=60)


@pytest.fixture
async def admin(clusters: dict[str, Server]) -> Any:
    """Administrators' clients of two clusters with our namespace and the roles `readers` and `others`."""
    opened = {name: await clusters[name].client(600) for name in ("east", "west")}
    rules = [{"apiGroups": [""], "resources": ["namespaces"], "verbs": ["list"]}]
    for client in opened.values():
        await client.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": HOME}})
        for name in ("readers", "others"):
            kind = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": name}}
            await client.apply({**kind, "rules": rules if name == "readers" else []})
    yield opened
    for client in opened.values():
        await revoke_all(client, Options())
        await client.close()


async def status(client: Client, path: str = "/api/v1/namespaces") -> int:
    try:
        await client.get(path)
    except ApiError as error:
        return error.status
    return 200


async def test_access_is_given_and_taken_back(
    clusters: dict[str, Server], admin: dict[str, Client], tmp_path: Path
) -> None:
    play = Play({name: clusters[name] for name in admin}, tmp_path)
    told = play.run("--check", name="ada", role="readers")
    assert f"east: would create ServiceAccount {HOME}/holder-ada" in told
    assert not play.file.exists()
    assert await admin["east"].try_get(ACCOUNT) is await admin["east"].try_get(BINDING) is None

    outputs = [told, play.run("-vvv", "--diff", name="ada", role="readers", hours=1)]
    assert play.file.stat().st_mode & 0o777 == 0o600
    given = yaml.safe_load(play.file.read_text())
    assert [each["name"] for each in given["contexts"]] == ["id-east", "id-west"]
    tokens = [each["user"]["token"] for each in given["users"]]
    for name, client in admin.items():
        notes = (await client.get(ACCOUNT))["metadata"]["annotations"]
        assert notes["fabric.clusterset.io/expires"] in outputs[-1]
        async with await play.opened(f"id-{name}") as ada:
            paths = ("/api/v1/namespaces", "/api/v1/secrets", f"/api/v1/namespaces/{HOME}/secrets", "/api/v1/nodes")
            assert [await status(ada, path) for path in paths] == [200, 403, 403, 403]
    async with await play.opened("id-west") as ada:
        outputs.append(play.run(name="ada", state="absent"))
        assert await status(ada) in (401, 403)  # its rights are gone at once,
        began = time.monotonic()
        await until(lambda: _refused(ada))  # and the token, which API servers remember for ten seconds
        assert time.monotonic() - began < 15
    assert not play.file.exists()
    assert not [token for token in tokens if any(token in text for text in outputs)]


async def _refused(client: Client) -> bool:
    return await status(client, "/api") == 401


async def test_another_role_ends_what_was_given_before(admin: dict[str, Client], tmp_path: Path) -> None:
    path, client = str(tmp_path / "ada"), admin["east"]
    given = await grant(client, "ada", "others", 1, Options())
    again = await grant(client, "ada", "others", 1, Options())
    assert given.access.token != again.access.token
    assert not again.result.created
    uid = (await client.get(ACCOUNT))["metadata"]["uid"]
    told = await grant(client, "ada", "readers", 1, Options(check=True))
    assert told.result.pruned == (f"ClusterRoleBinding {HOME}:holder-ada", f"ServiceAccount {HOME}/holder-ada")
    assert (await client.get(ACCOUNT))["metadata"]["uid"] == uid
    write("ada", {"east": (await grant(client, "ada", "readers", 1, Options())).access}, path)
    assert (await client.get(ACCOUNT))["metadata"]["uid"] != uid
    async with await open_client(ClusterRef("ada", path), deadline=60) as ada:
        assert await status(ada) == 200
    with pytest.raises(FabricError, match=r"east: it has no ClusterRole 'writers'\. Fix: choose one"):
        await grant(client, "ada", "writers", 1, Options())
    assert (await grant(client, "ada", "cluster-admin", 1, Options(check=True))).note.startswith(
        "role cluster-admin has * on secrets"
    )


async def test_a_cluster_that_cannot_give_access_fails_alone(
    clusters: dict[str, Server], admin: dict[str, Client], tmp_path: Path
) -> None:
    play = Play({name: clusters[name] for name in admin}, tmp_path)
    await admin["west"].delete(f"{RBAC}/clusterroles/readers")
    told = play.run(code=2, name="ada", role="readers")
    assert "west: it has no ClusterRole 'readers'" in told
    assert [each["name"] for each in yaml.safe_load(play.file.read_text())["contexts"]] == ["id-east"]
