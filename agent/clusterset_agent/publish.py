# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the agent writes to the API: its claim to a tunnel address, its gateway, its links and their state."""

from __future__ import annotations

import ipaddress
import logging
import random
from collections.abc import Iterable, Mapping

from .cluster_api import API_VERSION, NODES, ApiError, Client, ClusterApi, Object
from .faults import AgentError
from .link_report import LinkReport, worth_writing
from .probe_points import may_be_held
from .settings import Settings
from .wanted import LocalGateway

log = logging.getLogger("clusterset.publish")

NODE_LABEL = "fabric.clusterset.io/node"
_MERGE = "application/merge-patch+json"


class Publisher:
    """Writes the objects of one node; every method is repeatable and writes only what differs."""

    def __init__(self, api: ClusterApi, client: Client, settings: Settings) -> None:
        self._api = api
        self._client = client
        self._settings = settings
        self._owner: Object | None = None
        self._links: dict[str, Object] | None = None
        self._written: dict[str, LinkReport] = {}

    async def claim(self, tunnel_range: str) -> None:
        """Hold exactly one tunnel address of the range, the same as ever if possible."""
        addresses = self._api.objects["tunneladdresses"]
        mine = sorted(name for name, item in addresses.items() if item["spec"].get("node") == self._settings.node)
        network = ipaddress.IPv4Network(tunnel_range)
        good = [name for name in mine if may_be_held(ipaddress.IPv4Address(name), network)]
        if not good:
            good = [await self._claim_free(network, set(addresses))]
        elif addresses[good[0]]["spec"].get("underlayAddress") != self._settings.underlay:
            await self._client.apply(await self._tunnel_address(good[0]))
        for name in mine:
            if name != good[0]:
                await self._client.delete(self._api.path("tunneladdresses", name))

    async def _claim_free(self, network: ipaddress.IPv4Network, taken: set[str]) -> str:
        free = (address for address in network.hosts() if may_be_held(address, network))
        candidates = (str(address) for address in free if str(address) not in taken)
        for name in candidates:
            try:
                await self._client.request(
                    "POST", self._api.path("tunneladdresses"), body=await self._tunnel_address(name)
                )
            except ApiError as error:
                if error.status != 409:
                    raise
                # another node was faster; after a collision spread out instead of racing it to the next one
                for _attempt in range(random.randrange(8)):
                    next(candidates, None)
                continue
            log.info("tunnel address claimed", extra={"address": name})
            return name
        raise AgentError(f"no free tunnel address is left in {network}")

    async def _tunnel_address(self, name: str) -> Object:
        spec = {"node": self._settings.node, "underlayAddress": self._settings.underlay}
        return await self._object("TunnelAddress", name, spec)

    async def status(self, name: str, status: Object) -> None:
        """Write the status of the node's TunnelAddress if it differs."""
        item = self._api.objects["tunneladdresses"].get(name)
        if item is not None and item.get("status") != status:
            await self._patch_status("tunneladdresses", name, status)

    async def gateway(
        self, mine: LocalGateway | None, tunnel: str, keys: Mapping[int, str], implementation: str
    ) -> None:
        """Publish the node as a gateway with its public keys by generation, or take it back."""
        name = self._settings.node
        item = self._api.objects["gateways"].get(name)
        if mine is None:
            if item is not None:
                await self._client.delete(self._api.path("gateways", name))
            return
        spec: Object = {
            "node": name,
            "ordinal": mine.ordinal,
            "keys": [{"generation": number, "publicKey": key} for number, key in sorted(keys.items())],
            "tunnelAddress": tunnel,
            "endpoint": mine.endpoint or self._settings.underlay,
            "implementation": implementation,
        }
        if item is None or item["spec"] != spec:
            await self._client.apply(await self._object("Gateway", name, spec))

    async def gateway_status(self, status: Object) -> None:
        """Write the status of the node's Gateway if it differs."""
        name = self._settings.node
        item = self._api.objects["gateways"].get(name)
        before = (item or {}).get("status") or {}
        if item is not None and before != status:
            gone = dict.fromkeys(before.keys() - status.keys())
            await self._patch_status("gateways", name, {**gone, **status})

    async def links(self, reports: Iterable[LinkReport], now: float) -> None:
        """Have one Link object for each report, with a status that is fresh enough, and none besides."""
        wanted = {report.object_name(self._settings.node): report for report in reports}
        if self._links is None:
            found = await self._client.list(
                self._api.path("links"), label_selector=f"{NODE_LABEL}={self._settings.node}"
            )
            self._links = {item["metadata"]["name"]: item["spec"] for item in found}
        for name in self._links.keys() - wanted.keys():
            await self._client.delete(self._api.path("links", name))
            del self._links[name]
            self._written.pop(name, None)
        for name, report in wanted.items():
            await self._link(name, report, self._links, now)

    async def _link(self, name: str, report: LinkReport, known: dict[str, Object], now: float) -> None:
        spec = report.spec(self._settings.node)
        if known.get(name) != spec:
            await self._client.apply(await self._object("Link", name, spec, {NODE_LABEL: self._settings.node}))
            known[name] = spec
        if worth_writing(self._written.get(name), report):
            try:
                await self._patch_status("links", name, report.status())
            except ApiError as error:
                if error.status == 404:  # deleted by hand: made anew the next time
                    known.pop(name, None)
                    return
                raise
            self._written[name] = report

    async def _patch_status(self, kind: str, name: str, status: Object) -> None:
        path = self._api.path(kind, name) + "/status"
        await self._client.request("PATCH", path, body={"status": status}, content_type=_MERGE)

    async def _object(self, kind: str, name: str, spec: Object, labels: Mapping[str, str] | None = None) -> Object:
        metadata: Object = {
            "name": name,
            "namespace": self._settings.namespace,
            "ownerReferences": [await self._node()],
        }
        if labels:
            metadata["labels"] = dict(labels)
        return {"apiVersion": API_VERSION, "kind": kind, "metadata": metadata, "spec": spec}

    async def _node(self) -> Object:
        """The node owns what its agent writes: when it is deleted, so are its claims."""
        if self._owner is None:
            node = await self._client.get(self._api.path(NODES, self._settings.node))
            name, uid = node["metadata"]["name"], node["metadata"]["uid"]
            self._owner = {"apiVersion": "v1", "kind": "Node", "name": name, "uid": uid}
        return self._owner
