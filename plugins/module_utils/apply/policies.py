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
from ..plan.types import Plan
from .bundle import apply_bundle, delete_bundle
from .services import peers_of
from .stage import Stage
from .types import Options, Progress, Result


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
    return stage


async def remove(client: Client, options: Options, progress: Progress) -> Result:
    """Take policies out of a cluster; where there never were any, that costs one request."""
    path = f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/fabricpolicies.{GROUP}"
    if await client.try_get(path) is None:
        return Result()
    return await delete_bundle(client, BUNDLE, options, progress=progress)
