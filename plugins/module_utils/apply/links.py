# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The links stage over all clusters: agents, what their gateways publish, peers, and every link up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from ..client.client import Client
from ..client.errors import ApiError
from ..client.types import ClusterRef, Object
from ..facts.types import Gateway
from ..objects.bundle import Bundle
from ..objects.links import agent_objects, peer_objects
from ..objects.network_plugin.pools import calico_remote_pools
from ..plan.types import ClusterPlan, GatewayPlan, Plan
from .bundle import apply_bundle
from .rendezvous import wait_for_gateways, wait_for_links
from .stage import Stage
from .types import Options, Progress, Result

BUNDLE = "links"


async def join(plan: Plan, refs: Sequence[ClusterRef], options: Options, progress: Progress) -> Stage:
    """Bring the clusters of ``refs`` to the plan's links.

    Clusters of the plan that are not in ``refs`` are not touched; what is known of their gateways is used as it is.
    """
    stage = LinksStage(plan, refs, options, progress)
    await stage.put(refs)
    if options.check:
        return stage
    waiting = [ref for ref in stage.alive if not plan.cluster(ref.name).ready_for_peers]
    if waiting:
        await stage.learn_keys(waiting)
        await stage.put(stage.alive)
    await stage.prove([ref for ref in stage.alive if stage.results[ref.name].changed])
    return stage


class LinksStage(Stage):
    """What joining clusters and rotating their keys are made of. ``plan`` may change between the steps."""

    def __init__(self, plan: Plan, refs: Sequence[ClusterRef], options: Options, progress: Progress) -> None:
        super().__init__(plan, refs)
        self.options, self.progress = options, progress

    async def put(self, refs: Sequence[ClusterRef]) -> None:
        """Bring these clusters to the plan as it is now."""
        await self.apply(self._put, refs)

    async def learn_keys(self, refs: Sequence[ClusterRef]) -> None:
        """Wait until the gateways of these clusters have published, and put that into the plan."""
        self.plan = with_gateways(self.plan, await self.each(self._published, refs))

    async def prove(self, refs: Sequence[ClusterRef]) -> None:
        """Wait until every link of these clusters to those that have not failed is up."""
        await self.each(self._prove, refs)

    def peers(self, cluster: ClusterPlan) -> list[Object]:
        """The cluster's Peers whose own cluster takes part and has not failed."""
        alive = {self.plan.cluster(ref.name).cluster_id for ref in self.alive}
        return [peer for peer in peer_objects(self.plan, cluster) if peer["metadata"]["name"] in alive]

    async def _put(self, client: Client) -> Result:
        cluster = self.plan.cluster(client.ref.name)
        peers = peer_objects(self.plan, cluster)
        bundle = Bundle(BUNDLE, (*agent_objects(cluster), *await _pools(client, cluster, peers), *peers))
        return await apply_bundle(client, bundle, self.options, progress=self.progress)

    async def _published(self, client: Client) -> tuple[Gateway, ...]:
        return await wait_for_gateways(client, self.plan.cluster(client.ref.name), self.progress)

    async def _prove(self, client: Client) -> bool:
        cluster = self.plan.cluster(client.ref.name)
        return await wait_for_links(client, cluster, self.peers(cluster), self.progress)


async def _pools(client: Client, cluster: ClusterPlan, peers: Sequence[Object]) -> list[Object]:
    """What Calico must know of the remote ranges, where it serves its own API."""
    if cluster.plugin.name != "calico":
        return []
    try:
        await client.resource("projectcalico.org/v3", "IPPool")
    except ApiError as error:
        if error.status == 404:
            return []
        raise
    ranges = {peer["metadata"]["name"]: [*peer["spec"]["podCIDRs"], *peer["spec"]["serviceCIDRs"]] for peer in peers}
    return calico_remote_pools(ranges)


def with_gateways(plan: Plan, published: Mapping[str, tuple[Gateway, ...]]) -> Plan:
    """The plan with the keys and tunnel addresses that the gateways have published. ``published`` is by host."""

    def known(cluster: ClusterPlan) -> ClusterPlan:
        by_node = {gateway.node: gateway for gateway in published.get(cluster.host, ())}
        return replace(cluster, gateways=tuple(_with_key(gateway, by_node) for gateway in cluster.gateways))

    return replace(plan, clusters=tuple(known(cluster) for cluster in plan.clusters))


def _with_key(gateway: GatewayPlan, published: Mapping[str, Gateway]) -> GatewayPlan:
    found = published.get(gateway.node)
    if not found:
        return gateway
    return replace(gateway, keys=found.keys, tunnel_address=found.tunnel_address)
