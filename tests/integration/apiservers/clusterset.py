"""A clusterset of real API servers without nodes: joined by the services stage, served by sync parts as processes."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible_collections.clusterset.fabric.plugins.module_utils.apply.services import share
from ansible_collections.clusterset.fabric.plugins.module_utils.apply.stage import Stage
from ansible_collections.clusterset.fabric.plugins.module_utils.apply.types import Options
from ansible_collections.clusterset.fabric.plugins.module_utils.client.client import Client
from ansible_collections.clusterset.fabric.plugins.module_utils.objects.crds import crds
from ansible_collections.clusterset.fabric.plugins.module_utils.objects.links import fabric, namespace
from ansible_collections.clusterset.fabric.plugins.module_utils.plan.build import build_plan
from ansible_collections.clusterset.fabric.plugins.module_utils.plan.types import Plan
from tests.integration.running import ROOT
from tests.unit.plan.samples import facts, model

from .servers import Process, Server, dumped

HOME = "clusterset-fabric"
MCS = "/apis/multicluster.x-k8s.io/v1beta1"
OURS = "/apis/fabric.clusterset.io/v1alpha1"
EPS = "/apis/discovery.k8s.io/v1"
Object = dict[str, Any]


def plan_of(clusters: dict[str, Server], **changes: Any) -> Plan:
    """What `preflight` would plan; each API server is reached at its own port."""
    models = [
        model(name, api_endpoint=f"127.0.0.1:{server.port}", deadline=60, **changes)
        for name, server in clusters.items()
    ]
    return build_plan(models, {name: facts(name) for name in clusters})


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
        refs = [server.ref for server in self.clusters.values()]
        self.stage = await share(self.plan, refs, options or Options(wait=False), lambda _host, _text: None)
        assert not self.stage.failed, self.stage.failed
        return self.stage

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

    async def token(self, name: str, account: str, seconds: int = 3600) -> str:
        path = f"/api/v1/namespaces/{HOME}/serviceaccounts/{account}/token"
        body = {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenRequest",
            "spec": {"expirationSeconds": seconds},
        }
        answer = await self.client[name].request("POST", path, body=body)
        return str(answer["status"]["token"])

    def logs(self) -> str:
        """Ends of all sync parts' logs."""
        return "\n".join(f"== {path.name}\n{path.read_text()[-2500:]}" for path in sorted(self.folder.glob("*.log")))

    async def make_namespace(self, name: str, *hosts: str) -> None:
        for host in hosts or self.clusters:
            await self.client[host].apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})

    async def export(self, host: str, key: tuple[str, str], addresses: list[str], **spec: Any) -> None:
        """A Service, its slice and its ServiceExport."""
        space, name = key
        rows = [{"name": "tcp", "protocol": "TCP", "port": 42, "targetPort": 8042}]
        body = {"selector": {"app": name}, "ports": rows, **spec}
        client = self.client[host]
        metadata = {"namespace": space, "name": name}
        await client.apply({"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": body})
        await self.endpoints(host, key, addresses)
        await client.apply(
            {"apiVersion": "multicluster.x-k8s.io/v1beta1", "kind": "ServiceExport", "metadata": metadata}
        )

    async def endpoints(self, host: str, key: tuple[str, str], addresses: list[str]) -> None:
        labels = {
            "kubernetes.io/service-name": key[1],
            "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
        }
        rows = [
            {"addresses": [each], "conditions": {"ready": True}, "hostname": f"{key[1]}-{number}"}
            for number, each in enumerate(addresses)
        ]
        body = {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {"namespace": key[0], "name": f"{key[1]}-own", "labels": labels},
            "addressType": "IPv4",
            "endpoints": rows,
            "ports": [{"name": "tcp", "protocol": "TCP", "port": 8042}],
        }
        await self.client[host].apply(body)

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


__all__ = ["EPS", "HOME", "MCS", "OURS", "Clusterset", "Object", "ours", "plan_of", "until", "without"]
