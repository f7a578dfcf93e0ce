# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The network plugin stage: install where the plan says so, then wait until it really works."""

from __future__ import annotations

from collections.abc import Sequence

from ..client.client import Client
from ..client.types import ClusterRef, Object
from ..objects.bundle import Bundle
from ..objects.network_plugin.build import network_plugin_objects
from ..objects.network_plugin.certificates import certificates_for
from ..objects.network_plugin.fetch import load_manifest
from ..objects.network_plugin.ready import wait_until_works
from ..plan.plugin import BUNDLE
from ..plan.types import ClusterPlan, Plan
from .bundle import apply_bundle
from .rendezvous import MARGIN
from .stage import Stage
from .types import Options, Progress, Result


async def install(plan: Plan, refs: Sequence[ClusterRef], options: Options, progress: Progress) -> Stage:
    """Apply the planned plugin to those clusters of ``refs`` that get one; the others are left alone."""
    stage = Stage(plan, [ref for ref in refs if plan.cluster(ref.name).plugin.action == "install"])
    wanted: dict[str, list[Object]] = {}

    async def put(client: Client) -> Result:
        objects = await _objects(client, plan.cluster(client.ref.name))
        wanted[client.ref.name] = objects
        return await apply_bundle(client, Bundle(BUNDLE, tuple(objects)), options, progress=progress)

    async def works(client: Client) -> bool:
        host = client.ref.name
        seconds = client.remaining - MARGIN
        await wait_until_works(client, wanted[host], seconds=seconds, progress=lambda text: progress(host, text))
        return True

    await stage.apply(put, stage.refs)
    if not options.check:
        await stage.each(works, [ref for ref in stage.alive if stage.results[ref.name].changed])
    return stage


async def _objects(client: Client, cluster: ClusterPlan) -> list[Object]:
    """Upstream's manifest with our patches, and the certificates that its servers need."""
    plugin = cluster.plugin
    text = await load_manifest(
        plugin.manifest,
        plugin=plugin.name,
        version=plugin.version,
        kubernetes_version=cluster.kubernetes,
        cluster=cluster.host,
    )
    return network_plugin_objects(
        plugin.name,
        plugin.version,
        text,
        pod_cidrs=cluster.pod_cidrs,
        kubernetes_version=cluster.kubernetes,
        certificates=await certificates_for(client, text),
        cluster=cluster.host,
    )
