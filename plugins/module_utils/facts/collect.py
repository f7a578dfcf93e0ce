# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The requests: two rounds, each all at once, and only what the first round shows to exist in the second."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from ..client.errors import ApiError
from ..errors import FabricError
from . import calico, flannel, owned
from .conclude import conclude
from .plugin import daemon_sets
from .raw import Item, Raw
from .types import ClusterFacts

if TYPE_CHECKING:
    from ..client.client import Client

_ABOUT = "clusterproperties.about.k8s.io"
_OPENSHIFT = "networks.config.openshift.io"
_OURS = f"/apis/{owned.GROUP}/v1alpha1/namespaces/{owned.NAMESPACE}/"
_CALICO_API_SERVICE = "/apis/apiregistration.k8s.io/v1/apiservices/v3.projectcalico.org"


async def collect(client: Client) -> ClusterFacts:
    """Everything the plan may know of the client's cluster, by about 10 requests (14 where we are installed).

    :raises FabricError: the API cannot be reached, or refuses some reads: the message names them all.
    """
    return conclude(client.ref.name, await read(client))


async def read(client: Client) -> Raw:
    """The API objects alone, nothing concluded."""
    raw = Raw()
    reader = _Reader(client, raw)
    system = "/api/v1/namespaces/kube-system"
    await reader.all(
        {
            "version": reader.get("/version"),
            "kube_system": reader.get(system),
            "nodes": reader.items("/api/v1/nodes"),
            "daemon_sets": reader.items("/apis/apps/v1/daemonsets"),
            "config_maps": reader.items(system + "/configmaps"),
            "control_pods": reader.items(
                system + "/pods", label_selector="component in (kube-apiserver,kube-controller-manager)"
            ),
            "dns_deployments": reader.items(
                "/apis/apps/v1/namespaces/kube-system/deployments", label_selector="k8s-app=kube-dns"
            ),
            "service_cidrs": reader.items("/apis/networking.k8s.io/v1/servicecidrs"),
            "crds": reader.names("/apis/apiextensions.k8s.io/v1/customresourcedefinitions"),
            "receipts": reader.names(f"/api/v1/namespaces/{owned.NAMESPACE}/configmaps"),
        }
    )
    await reader.all(_second_round(reader, raw))
    return raw


def _second_round(reader: _Reader, raw: Raw) -> dict[str, Awaitable[Any]]:
    """Reads that make sense because of what the first round found."""
    found: dict[str, Awaitable[Any]] = {}
    if _ABOUT in raw.crds:
        found["properties"] = reader.properties()
    if _OPENSHIFT in raw.crds:
        found["openshift_network"] = reader.get("/apis/config.openshift.io/v1/networks/cluster")
    for attribute, kind in zip(("fabrics", "gateways", "peers", "tunnel_addresses"), owned.KINDS, strict=True):
        if f"{kind}.{owned.GROUP}" in raw.crds:
            found[attribute] = reader.items(_OURS + kind)
    sets = daemon_sets(raw.daemon_sets)
    mounted = [flannel.config_reference(sets[name]) for name in ("canal", "flannel") if name in sets]
    for namespace, name in (reference for reference in mounted if all(reference)):
        found["plugin_config"] = reader.get(f"/api/v1/namespaces/{namespace}/configmaps/{name}")
    if "calico" in sets or "canal" in sets:
        found |= _calico(reader, raw)
    return found


def _calico(reader: _Reader, raw: Raw) -> dict[str, Awaitable[Any]]:
    """Calico's own objects. Its storage is read where there are no native ones: it needs no server to be up."""
    found: dict[str, Awaitable[Any]] = {}
    if "installations.operator.tigera.io" in raw.crds:
        found["calico_installation"] = reader.get("/apis/operator.tigera.io/v1/installations/default")
    native = calico.NATIVE in raw.crds
    if not native and calico.STORAGE not in raw.crds:
        return found
    group = "/apis/projectcalico.org/v3" if native else "/apis/crd.projectcalico.org/v1"
    found["calico_pools"] = reader.items(f"{group}/ippools")
    found["calico_felix"] = reader.get(f"{group}/felixconfigurations/default")
    found["calico_information"] = reader.get(f"{group}/clusterinformations/default")
    if not native:
        found["calico_api_service"] = reader.get(_CALICO_API_SERVICE)
    return found


class _Reader:
    """Reads that yield {} or [] for what does not exist, and remember what was forbidden."""

    def __init__(self, client: Client, raw: Raw) -> None:
        self.client = client
        self.raw = raw
        self.forbidden: list[str] = []

    async def all(self, reads: dict[str, Awaitable[Any]]) -> None:
        """Run the reads at once and put each answer into the attribute of its name."""
        tasks = [asyncio.ensure_future(read) for read in reads.values()]
        try:
            values = await asyncio.gather(*tasks)
        finally:
            for task in tasks:  # after the first failure the others would only use up the deadline
                task.cancel()
        for name, value in zip(reads, values, strict=True):
            setattr(self.raw, name, value)
        if self.forbidden:
            raise FabricError(
                "these credentials may not " + ", ".join(sorted(self.forbidden)),
                cluster=self.client.ref.name,
                fix="bind a ClusterRole with get and list on them, such as the one in docs/network-plugins.md",
            )

    async def get(self, path: str) -> Item:
        return await self._allowed("get", path, lambda: self.client.try_get(path)) or {}

    async def items(self, path: str, *, label_selector: str = "") -> list[Item]:
        call = self.client.list
        return await self._allowed("list", path, lambda: call(path, label_selector=label_selector)) or []

    async def names(self, path: str) -> frozenset[str]:
        items = await self._allowed("list", path, lambda: self.client.list(path, metadata_only=True)) or []
        return frozenset(str(item["metadata"]["name"]) for item in items)

    async def properties(self) -> list[Item]:
        """The ClusterProperty of the cluster id, in the newest version that is served."""
        for version in ("v1beta1", "v1alpha1"):
            found = await self.get(f"/apis/about.k8s.io/{version}/clusterproperties/{owned.PROPERTY}")
            if found:
                return [found]
        return []

    async def _allowed(self, verb: str, path: str, call: Callable[[], Awaitable[Any]]) -> Any:
        try:
            return await call()
        except ApiError as error:
            if error.status == 404:
                return None
            if error.status != 403:
                raise
            self.forbidden.append(f"{verb} {_resource(path)}")
            return None


def _resource(path: str) -> str:
    """What RBAC calls it: "/apis/apps/v1/daemonsets" -> "daemonsets.apps"; a namespace is added."""
    words = path.strip("/").split("/")
    if words[0] == "version":
        return "/version"
    group, words = (words[1], words[3:]) if words[0] == "apis" else ("", words[2:])
    where = ""
    if words[0] == "namespaces" and len(words) > 2:
        where, words = f" in {words[1]}", words[2:]
    return words[0] + (f".{group}" if group else "") + where
