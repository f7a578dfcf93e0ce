"""Behaviours 18 to 20 and 25 to 27: names, answered by a real CoreDNS that is configured by the services stage.

It has the rights that kubeadm gives it and those that we add, and no others.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping

import pytest
import pytest_asyncio

from ansible_collections.clusterset.fabric.plugins.module_utils.objects.corefile import with_stub
from ansible_collections.clusterset.fabric.plugins.module_utils.objects.dns import COREFILE as OURS
from ansible_collections.clusterset.fabric.plugins.module_utils.objects.dns import stub_server
from tests.integration.apiservers.clusterset import Clusterset, Object
from tests.integration.apiservers.servers import Process, free_port, program

from .conftest import LIMIT, Hello
from .dns import Answer, ask

pytestmark = pytest.mark.asyncio(loop_scope="module")
EAST = ["10.41.0.7", "10.41.0.8", "fd00:41::7", "fd00:41::8"]
BOTH = {"east": "10.41.0.7", "west": "10.42.0.9"}
ZONE = "svc.clusterset.local"
COREFILE = """.:{port} {{
    errors
    kubernetes cluster.local in-addr.arpa ip6.arpa {{
        kubeconfig {kubeconfig} {context}
        ttl 0
    }}
}}
"""
Ports = Mapping[str, int]
"""Where the DNS of each cluster listens."""


async def allow(clusterset: Clusterset, host: str) -> str:
    """CoreDNS's account with the rights that kubeadm gives it; returns a token."""
    client, api = clusterset.client[host], "rbac.authorization.k8s.io"
    rules = [
        {"apiGroups": [""], "resources": ["endpoints", "services", "pods", "namespaces"], "verbs": ["list", "watch"]},
        {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": ["list", "watch"]},
    ]
    name, account = {"name": "system:coredns"}, {"name": "coredns", "namespace": "kube-system"}
    role: Object = {"apiVersion": f"{api}/v1", "kind": "ClusterRole", "metadata": name, "rules": rules}
    binding = {
        "apiVersion": f"{api}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": name,
        "roleRef": {"apiGroup": api, "kind": "ClusterRole", **name},
        "subjects": [{"kind": "ServiceAccount", **account}],
    }
    for obj in ({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": account}, role, binding):
        await client.apply(obj)
    return await clusterset.token(host, "coredns", space="kube-system")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def names(clusterset: Clusterset) -> AsyncIterator[Ports]:
    """A CoreDNS in each cluster, with the Corefile as the services stage leaves it."""
    coredns = program("coredns")
    ports = {host: free_port() for host in clusterset.clusters}
    for host, port in ports.items():
        path = clusterset.folder / f"{host}-dns.kubeconfig"
        clusterset.clusters[host].write_kubeconfig(path, await allow(clusterset, host))
        await clusterset.put_corefile(host, COREFILE.format(port=port, kubeconfig=path, context=host))
    clusterset.answer_names()
    await clusterset.share()
    running = []
    for host in ports:
        path = clusterset.folder / f"{host}.corefile"
        path.write_text(await clusterset.corefile(host))
        running.append(Process([str(coredns), "-conf", str(path)], clusterset.folder / f"{host}-dns.log"))
        running[-1].start()
    yield ports
    for process in running:
        process.stop()


def name_of(hello: Hello, before: str = "", zone: str = ZONE) -> str:
    return f"{before}{hello.key[1]}.{hello.key[0]}.{zone}"


async def told(hello: Hello, port: int, name: str, kind: str, wanted: list[Answer]) -> None:
    """The server comes to answer with just this."""

    async def answers() -> list[Answer] | str:
        try:
            return ask(port, name, kind)
        except OSError as error:
            return str(error)

    await hello.clusterset.wait(answers, sorted(wanted), LIMIT)


def of_family(addresses: list[str], kind: str) -> list[Answer]:
    return [(each,) for each in addresses if (":" in each) == (kind == "AAAA")]


async def test_18_a_name_leads_to_the_addresses_of_the_import(hello: Hello, names: Ports) -> None:
    await hello.export("east", EAST)
    for host, port in names.items():
        ips = (await hello.imported(host))["spec"]["ips"]
        for kind in ("A", "AAAA"):
            await told(hello, port, name_of(hello), kind, of_family(ips, kind))
            await told(hello, port, name_of(hello, "east."), kind, [])  # a cluster's share has no name


async def test_19_ports_with_one_number_are_one_srv_record(hello: Hello, names: Ports) -> None:
    await hello.export("east", EAST)
    for port in names.values():
        await told(hello, port, name_of(hello), "SRV", [("42", name_of(hello))])


async def test_20_local_names_lead_to_local_services(hello: Hello, names: Ports) -> None:
    await hello.export("east", EAST)
    await hello.imported("north")
    path = f"/api/v1/namespaces/{hello.key[0]}/services/{hello.key[1]}"
    address = (await hello.clusterset.client["east"].get(path))["spec"]["clusterIP"]
    local = name_of(hello, zone="svc.cluster.local")
    await told(hello, names["east"], local, "A", [(address,)])
    await told(hello, names["north"], name_of(hello), "A", [((await hello.imported("north"))["spec"]["ips"][0],)])
    await told(hello, names["north"], local, "A", [])


async def test_25_and_27_a_headless_name_leads_to_all_endpoints(hello: Hello, names: Ports) -> None:
    await hello.deploy("east", EAST, named=False, clusterIP="None")
    await hello.clusterset.wish("east", hello.key)
    targets = [f"{each.replace('.', '-').replace(':', '-')}.east.{name_of(hello)}" for each in EAST]
    for port in names.values():
        for kind in ("A", "AAAA"):
            await told(hello, port, name_of(hello), kind, of_family(EAST, kind))
        await told(hello, port, name_of(hello), "SRV", [("42", target) for target in targets])
    await hello.unexport("east")
    for port in names.values():
        await told(hello, port, name_of(hello), "A", [])


async def test_26_a_hostname_and_a_cluster_lead_to_one_endpoint(hello: Hello, names: Ports) -> None:
    await hello.export("east", EAST, clusterIP="None")
    for host, port in names.items():

        async def hostnames(host: str = host) -> list[list[str]]:
            rows = [item["endpoints"] for item in await hello.slices(host)]
            return [[each["hostname"] for each in row if each["conditions"]["ready"]] for row in rows]

        await hello.clusterset.wait(hostnames, [["hello-0", "hello-1"]] * 2, LIMIT)
        for number in (0, 1):
            for kind in ("A", "AAAA"):
                wanted = [of_family(EAST, kind)[number]]
                await told(hello, port, name_of(hello, f"hello-{number}.east."), kind, wanted)


async def test_a_dns_that_is_too_old_hands_the_names_to_ours(hello: Hello, names: Ports) -> None:
    """The old one is without the option; ours has the rights and the configuration that the stage gives it."""
    clusterset, host, ports = hello.clusterset, "north", (free_port(), free_port())
    for obj in stub_server("coredns:1"):
        if obj["kind"] in ("ServiceAccount", "ClusterRole", "ClusterRoleBinding"):
            await clusterset.client[host].apply(obj)
    access = [
        clusterset.clusters[host].write_kubeconfig(clusterset.folder / f"{account}.kubeconfig", token)
        for account, token in (
            ("fabric-dns", await clusterset.token(host, "fabric-dns")),
            ("coredns", await clusterset.token(host, "coredns", space="kube-system")),
        )
    ]
    ours = OURS.replace(":1053", f":{ports[0]}").replace("    ready :8181\n", "")
    ours = ours.replace("ttl 5", f"ttl 0\n        kubeconfig {access[0]} {host}")
    old = with_stub(COREFILE.format(port=ports[1], kubeconfig=access[1], context=host), f"127.0.0.1:{ports[0]}")
    assert old
    running = []
    for name, text in (("ours", ours), ("old", old)):
        path = clusterset.folder / f"{name}.corefile"
        path.write_text(text)
        running.append(Process([str(program("coredns")), "-conf", str(path)], clusterset.folder / f"{name}-dns.log"))
        running[-1].start()
    try:
        await hello.export("east", EAST)
        await told(hello, ports[1], name_of(hello), "A", of_family((await hello.imported(host))["spec"]["ips"], "A"))
        await told(
            hello, ports[1], "kubernetes.default.svc.cluster.local", "A", [(await api_address(clusterset, host),)]
        )
    finally:
        for process in running:
            process.stop()


async def api_address(clusterset: Clusterset, host: str) -> str:
    found = await clusterset.client[host].get("/api/v1/namespaces/default/services/kubernetes")
    return str(found["spec"]["clusterIP"])


async def test_names_of_two_clusters_do_not_mix(hello: Hello, names: Ports) -> None:
    """Both have a `hello-0`: by its cluster's id each is found, by the service's name both are."""
    await asyncio.gather(*(hello.export(host, [address], clusterIP="None") for host, address in BOTH.items()))
    for port in names.values():
        await told(hello, port, name_of(hello), "A", [(address,) for address in BOTH.values()])
        for host, address in BOTH.items():
            await told(hello, port, name_of(hello, f"hello-0.{host}."), "A", [(address,)])
