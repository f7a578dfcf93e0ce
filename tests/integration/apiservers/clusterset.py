"""A clusterset of real API servers without nodes: joined by the services stage, served by sync parts as processes."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ansible_collections.clusterset.fabric.plugins.module_utils.apply.services import share
from ansible_collections.clusterset.fabric.plugins.module_utils.apply.stage import Stage
from ansible_collections.clusterset.fabric.plugins.module_utils.apply.types import Options
from ansible_collections.clusterset.fabric.plugins.module_utils.client.client import Client
from ansible_collections.clusterset.fabric.plugins.module_utils.client.tokens import request_token
from ansible_collections.clusterset.fabric.plugins.module_utils.facts.types import ClusterFacts, Owned
from ansible_collections.clusterset.fabric.plugins.module_utils.objects.crds import crds
from ansible_collections.clusterset.fabric.plugins.module_utils.objects.links import fabric, namespace
from ansible_collections.clusterset.fabric.plugins.module_utils.plan.build import build_plan
from ansible_collections.clusterset.fabric.plugins.module_utils.plan.types import Plan
from tests.integration.running import ROOT
from tests.unit.plan.samples import NUMBERS, facts, model

from .servers import Process, Server, dumped

HOME = "clusterset-fabric"
MCS = "/apis/multicluster.x-k8s.io/v1beta1"
OURS = "/apis/fabric.clusterset.io/v1alpha1"
EPS = "/apis/discovery.k8s.io/v1"
COREFILE = "/api/v1/namespaces/kube-system/configmaps/coredns"
Object = dict[str, Any]


def plan_of(clusters: dict[str, Server], fenced: str = "", **changes: Any) -> Plan:
    """What `preflight` would plan; each API server is reached at its own port."""
    models = [
        model(name, api_endpoint=f"127.0.0.1:{server.port}", deadline=60, **changes)
        for name, server in clusters.items()
    ]
    if not fenced:
        return build_plan(models, {name: _dual(name) for name in clusters})
    owned = Owned(peer_specs={fenced: {"clusterID": fenced, "index": sorted(clusters).index(fenced)}})
    models = [replace(each, state="fenced") if each.host == fenced else each for each in models]
    return build_plan(models, {name: replace(_dual(name), owned=owned) for name in without(clusters, fenced)})


def _dual(name: str) -> ClusterFacts:
    """The facts of a cluster whose pods and Services may have addresses of both families."""
    n = NUMBERS[name]
    pods, services = (f"10.{40 + n}.0.0/16", f"fd00:{40 + n}::/64"), (f"10.{140 + n}.0.0/16", f"fd00:{140 + n}::/112")
    return facts(name, pod_cidrs=pods, service_cidrs=services)


@dataclass
class Clusterset:
    """Joined clusters. ``client`` has an administrator's client of each; ``parts`` the running sync parts."""

    clusters: dict[str, Server]
    folder: Path
    plan: Plan
    client: dict[str, Client] = field(default_factory=dict)
    parts: dict[str, Process] = field(default_factory=dict)
    stage: Stage | None = None

    async def __aenter__(self) -> Clusterset:
        for name, server in self.clusters.items():
            self.client[name] = await server.client(deadline=1800)
        await asyncio.gather(*map(self._prepare, self.clusters))
        return self

    async def __aexit__(self, *_error: object) -> None:
        for part in self.parts.values():
            part.stop()
        for client in self.client.values():
            await client.close()

    async def _prepare(self, name: str) -> None:
        """What the links stage leaves in a cluster, as far as services need it."""
        client = self.client[name]
        for obj in (namespace(), *crds()):
            await client.apply(obj)
        await until(lambda: client.try_get(f"{OURS}/namespaces/{HOME}/peers"))
        await client.apply(fabric(self.plan.cluster(name)))
        for other in self.plan.clusters:
            if other.host != name:
                await client.apply(self.peer(other.host))

    def peer(self, name: str) -> Object:
        """The Peer object for a cluster."""
        other = self.plan.cluster(name)
        spec = {
            "clusterID": other.cluster_id,
            "index": other.index,
            "podCIDRs": list(other.pod_cidrs),
            "serviceCIDRs": list(other.service_cidrs),
            "tunnelCIDR": other.tunnel_cidr,
            "via": "",
            "links": [],
            "gateways": [],
        }
        return ours("Peer", name, spec)

    async def share(self, options: Options | None = None) -> Stage:
        """Run the services stage; nothing is waited for, since there are no nodes that could run the Deployment."""
        planned = {cluster.host for cluster in self.plan.clusters}
        refs = [server.ref for name, server in self.clusters.items() if name in planned]
        self.stage = await share(self.plan, refs, options or Options(wait=False), lambda _host, _text: None)
        assert not self.stage.failed, self.stage.failed
        return self.stage

    def answer_names(self, how: str = "corefile") -> None:
        """Let the plan say that each cluster has a CoreDNS that is new enough, or what else: stub, or off."""
        services = {c.host: replace(c.services, dns=how, dns_image="coredns:1") for c in self.plan.clusters}
        rows = tuple(replace(c, services=services[c.host]) for c in self.plan.clusters)
        self.plan = replace(self.plan, clusters=rows)

    async def put_corefile(self, host: str, text: str) -> None:
        metadata = {"name": "coredns", "namespace": "kube-system"}
        body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"Corefile": text}}
        await self.client[host].apply(body)

    async def corefile(self, host: str) -> str:
        return str((await self.client[host].get(COREFILE))["data"]["Corefile"])

    async def start(self, name: str, replica: str = "0", **environment: str) -> Process:
        """Start a sync part with the rights of its own account, and nothing more."""
        token = await self.token(name, "fabric-sync")
        path = self.folder / f"{name}-{replica}.kubeconfig"
        self.clusters[name].write_kubeconfig(path, token)
        values = {"POD_NAME": f"{name}-{replica}", "FABRIC_KUBECONFIG": str(path), "POD_NAMESPACE": HOME, **environment}
        settings = [f"{key}={value}" for key, value in values.items()]
        paths = os.pathsep.join(str(ROOT / part) for part in (".build/collections", "agent", "."))
        words = ["/usr/bin/env", f"PYTHONPATH={paths}", *settings]
        part = Process(
            [*words, sys.executable, "-m", "clusterset_agent", "sync"], self.folder / f"{name}-{replica}.log"
        )
        part.start()
        self.parts[f"{name}-{replica}"] = part
        return part

    async def token(self, name: str, account: str, seconds: int = 3600, space: str = HOME) -> str:
        return (await request_token(self.client[name], space, account, seconds)).text

    def logs(self) -> str:
        """Ends of all sync parts' logs."""
        return "\n".join(f"== {path.name}\n{path.read_text()[-2500:]}" for path in sorted(self.folder.glob("*.log")))

    async def make_namespace(self, name: str, *hosts: str) -> None:
        for host in hosts or self.clusters:
            await self.client[host].apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})

    async def export(self, host: str, key: tuple[str, str], addresses: list[str], **spec: Any) -> None:
        """A Service, its slice and its ServiceExport."""
        rows = [{"name": "tcp", "protocol": "TCP", "port": 42, "targetPort": 8042}]
        await self.service(host, key, {"selector": {"app": key[1]}, "ports": rows, **spec})
        await self.endpoints(host, key, addresses)
        await self.wish(host, key)

    async def service(self, host: str, key: tuple[str, str], spec: Object, notes: dict[str, str] | None = None) -> None:
        """A Service; ``notes`` are its labels and annotations."""
        metadata = {"namespace": key[0], "name": key[1], "labels": notes or {}, "annotations": notes or {}}
        await self.client[host].apply({"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec})

    async def wish(self, host: str, key: tuple[str, str], **spec: Any) -> None:
        """The ServiceExport of a service."""
        metadata = {"namespace": key[0], "name": key[1]}
        body = {"apiVersion": "multicluster.x-k8s.io/v1beta1", "kind": "ServiceExport", "metadata": metadata}
        await self.client[host].apply(body | ({"spec": spec} if spec else {}))

    async def endpoints(
        self,
        host: str,
        key: tuple[str, str],
        addresses: list[str],
        ports: Sequence[tuple[str, str, int]] = (("tcp", "TCP", 8042),),
        *,
        named: bool = True,
    ) -> None:
        """Slices as a cluster's own controller makes them, one for each family; ``named`` endpoints have hostnames."""
        for family, sign in (("IPv4", "."), ("IPv6", ":")):
            chosen = [each for each in addresses if sign in each]
            if chosen or family == "IPv4":
                await self.client[host].apply(_slice(key, family, chosen, ports, named))

    async def unexport(self, host: str, key: tuple[str, str]) -> None:
        await self.client[host].delete(f"{MCS}/namespaces/{key[0]}/serviceexports/{key[1]}")

    async def imported(self, host: str, key: tuple[str, str]) -> Object | None:
        return await self.client[host].try_get(f"{MCS}/namespaces/{key[0]}/serviceimports/{key[1]}")

    async def addresses(self, host: str, key: tuple[str, str]) -> dict[str, list[str]]:
        """Imported endpoints by source cluster."""
        selector = f"multicluster.kubernetes.io/service-name={key[1]}"
        found: dict[str, list[str]] = {}
        for item in await self.client[host].list(f"{EPS}/namespaces/{key[0]}/endpointslices", label_selector=selector):
            source = item["metadata"]["labels"]["multicluster.kubernetes.io/source-cluster"]
            rows = [address for each in item["endpoints"] or () for address in each["addresses"]]
            found[source] = sorted([*found.get(source, []), *rows])
        return found

    async def conditions(self, host: str, kind: str, key: tuple[str, str]) -> dict[str, Object]:
        item = await self.client[host].try_get(f"{MCS}/namespaces/{key[0]}/{kind}/{key[1]}")
        return {each["type"]: each for each in ((item or {}).get("status") or {}).get("conditions") or ()}

    async def wait(self, what: Callable[[], Awaitable[Any]], wanted: Any, limit: float = 15.0) -> float:
        """Wait until ``what`` gives ``wanted``; return the seconds that it took."""
        began, found = time.monotonic(), None
        while time.monotonic() - began < limit:
            found = await what()
            if found == wanted:
                return time.monotonic() - began
            await asyncio.sleep(0.03)
        raise AssertionError(f"after {limit} s: {dumped(found)}\nwanted: {dumped(wanted)}\n{self.logs()}")


def _slice(
    key: tuple[str, str], family: str, addresses: list[str], ports: Sequence[tuple[str, str, int]], named: bool
) -> Object:
    labels = {
        "kubernetes.io/service-name": key[1],
        "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
    }
    rows: list[Object] = [{"addresses": [each], "conditions": {"ready": True}} for each in addresses]
    if named:
        rows = [{**row, "hostname": f"{key[1]}-{number}"} for number, row in enumerate(rows)]
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"namespace": key[0], "name": f"{key[1]}-{family.lower()}", "labels": labels},
        "addressType": family,
        "endpoints": rows,
        "ports": [{"name": name, "protocol": protocol, "port": port} for name, protocol, port in ports],
    }


def ours(kind: str, name: str, spec: Object) -> Object:
    metadata = {"name": name, "namespace": HOME}
    return {"apiVersion": "fabric.clusterset.io/v1alpha1", "kind": kind, "metadata": metadata, "spec": spec}


async def until(what: Callable[[], Awaitable[Any]], limit: float = 30.0) -> Any:
    """Wait until ``what`` gives something true."""
    ends = time.monotonic() + limit
    while time.monotonic() < ends:
        found = await what()
        if found:
            return found
        await asyncio.sleep(0.1)
    raise AssertionError("it did not happen in time")


def without(clusters: dict[str, Server], *names: str) -> dict[str, Server]:
    """The clusters but these."""
    return {name: server for name, server in clusters.items() if name not in names}


__all__ = ["COREFILE", "EPS", "HOME", "MCS", "OURS", "Clusterset", "Object", "ours", "plan_of", "until", "without"]
