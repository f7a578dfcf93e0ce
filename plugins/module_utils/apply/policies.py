# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The policies stage over all clusters: the policies, and the rights of those who carry them out."""

from __future__ import annotations

from collections.abc import Sequence

from ..client.client import Client
from ..client.types import ClusterRef
from ..objects.bundle import Bundle
from ..objects.policies import policy_objects
from ..objects.schema import GROUP
from ..plan.policies import BUNDLE
from ..plan.types import ClusterPlan, Plan
from .bundle import apply_bundle, delete_bundle
from .rendezvous import OURS, Overdue, State, until
from .services import peers_of
from .stage import Stage
from .types import Options, Progress, Result

SECONDS = 30.0  # it takes a second or two, or six where the agents have to find out that there are policies at all


async def police(plan: Plan, refs: Sequence[ClusterRef], options: Options, progress: Progress) -> Stage:
    """Bring the clusters of ``refs`` to the plan's policies; where it says nothing of them, nothing is asked."""
    concerned = [ref for ref in refs if plan.cluster(ref.name).policies != "off"]
    stage = Stage(plan, concerned)

    async def put(client: Client) -> Result:
        cluster = plan.cluster(client.ref.name)
        if cluster.policies == "remove":
            return await remove(client, options, progress)
        bundle = Bundle(BUNDLE, tuple(policy_objects(plan, peers_of(plan, cluster))))
        return await apply_bundle(client, bundle, options, progress=progress)

    await stage.apply(put, concerned)
    changed = [
        ref for ref in stage.alive if stage.results[ref.name].changed and plan.cluster(ref.name).policies == "on"
    ]
    if options.wait and not options.check:
        await stage.each(lambda client: _in_force(client, plan.cluster(client.ref.name), progress), changed)
    return stage


async def _in_force(client: Client, cluster: ClusterPlan, progress: Progress) -> bool:
    """Wait until the sync part knows all pods, and every gateway goes by the policies; they do so sooner or later."""
    generation = (await client.get(f"{OURS}/fabricpolicies/local"))["metadata"]["generation"]
    gateways = {gateway.node for gateway in cluster.gateways}

    def unknown(found: State) -> list[str]:
        return [] if _status(found, "local", "observedGeneration") == generation else ["the pods of other clusters"]

    def behind(found: State) -> list[str]:
        return sorted(node for node in gateways if _status(found, node, "policyGeneration") != generation)

    try:
        await until(client, "fabricpolicies", unknown, seconds=SECONDS)
        await until(client, "gateways", behind, seconds=SECONDS)
    except Overdue as overdue:
        progress(client.ref.name, f"policies are not in force yet everywhere, still waiting for {overdue}")
        return False
    return True


def _status(found: State, name: str, field: str) -> object:
    return (found.get(name, {}).get("status") or {}).get(field)


async def remove(client: Client, options: Options, progress: Progress) -> Result:
    """Take policies out of a cluster; where there never were any, that costs one request."""
    path = f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/fabricpolicies.{GROUP}"
    if await client.try_get(path) is None:
        return Result()
    return await delete_bundle(client, BUNDLE, options, progress=progress)
