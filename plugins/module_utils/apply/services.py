# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The services stage over all clusters: the sync parts, the peers' accounts, the tokens between them, the names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..client.client import MERGE, Client
from ..client.errors import ApiError
from ..client.types import ClusterRef, Object
from ..objects.bundle import Bundle
from ..objects.dns import coredns_rights, stub_server
from ..objects.mcs_crds import MCS_GROUP, MCS_NAMES, mcs_crds
from ..objects.services import EXPORTED, IMPORTED, PEER_LABEL, account_of, peer_account, service_objects
from ..objects.token_limit import token_limit
from ..plan.services import BUNDLE, COREFILE, STUB
from ..plan.types import ClusterPlan, Plan
from . import service_dns
from .bundle import apply_bundle, delete_bundle
from .identity import NAMESPACE, PART_OF, applyset_id
from .peer_tokens import accounts, exchange
from .stage import Stage
from .types import Options, Progress, Result

_CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
_MADE = ("/apis/discovery.k8s.io/v1/endpointslices", "/api/v1/services")


async def share(plan: Plan, refs: Sequence[ClusterRef], options: Options, progress: Progress) -> Stage:
    """Bring the clusters of ``refs`` to what the plan says of services; where it says nothing, nothing is asked."""
    concerned = [ref for ref in refs if plan.cluster(ref.name).services.action != "off"]
    stage = Stage(plan, concerned)

    async def put(client: Client) -> Result:
        cluster = plan.cluster(client.ref.name)
        if cluster.services.on:
            return await _install(client, plan, cluster, options, progress)
        return await remove(client, options, progress)

    await stage.apply(put, concerned)
    sharing = [ref for ref in stage.alive if plan.cluster(ref.name).services.on]
    await exchange(stage, sharing, options)

    async def names(client: Client) -> Result:
        return await service_dns.answer(client, plan.cluster(client.ref.name).services, options, progress)

    answering = [ref for ref in sharing if ref.name not in stage.failed and _names(plan.cluster(ref.name))]
    await stage.apply(names, answering)
    return stage


def _names(cluster: ClusterPlan) -> bool:
    """Whether the cluster's CoreDNS is to answer for the clusterset, itself or by one of our own."""
    return cluster.services.dns in (COREFILE, STUB)


def _for_names(cluster: ClusterPlan) -> list[Object]:
    """What must be there before the cluster's CoreDNS can answer."""
    if cluster.services.dns == STUB:
        return stub_server(cluster.services.dns_image)
    return coredns_rights() if cluster.services.dns == COREFILE else []


def peers_of(plan: Plan, cluster: ClusterPlan) -> list[str]:
    """Ids of those that share services with the cluster; who does not answer now keeps its account."""
    others = [other.cluster_id for other in plan.clusters if other.services.on and other.host != cluster.host]
    return sorted({*others, *(str(spec["clusterID"]) for spec in cluster.kept_peers)})


async def _install(client: Client, plan: Plan, cluster: ClusterPlan, options: Options, progress: Progress) -> Result:
    services, peers = cluster.services, peers_of(plan, cluster)
    if not set(peers) <= (await accounts(client)).keys():
        options = replace(options, drift="full")  # the receipt does not tell that a peer has left and comes back
    undone = Result() if _names(cluster) else await service_dns.forget(client, options, progress)
    objects = service_objects(
        cluster.agent_image,
        peers,
        peer_timeout=services.peer_timeout,
        token_hours=services.token_hours,
    )
    objects += token_limit(max(each.services.token_hours for each in plan.clusters))
    bundle = Bundle(BUNDLE, (*await _definitions(client), *objects, *_for_names(cluster)))
    result = undone + await apply_bundle(client, bundle, options, progress=progress)
    forgotten = [name for name, _index in cluster.fenced if await forget_peer(client, name, options)]
    return result + Result(changed=bool(forgotten), pruned=tuple(f"account and token of {name}" for name in forgotten))


async def _definitions(client: Client) -> list[Object]:
    """Definitions of the Multi-Cluster Services API, without those that somebody else has put into the cluster."""
    ours: list[Object] = []
    for definition in mcs_crds():
        found = await client.try_get(f"{_CRDS}/{definition['metadata']['name']}")
        labels = (found or {"metadata": {}})["metadata"].get("labels") or {}
        if not found or labels.get(PART_OF) == applyset_id(BUNDLE, NAMESPACE):
            ours.append(definition)
    return ours


async def remove(client: Client, options: Options, progress: Progress) -> Result:
    """Take services out of a cluster: the names first, then the sync part, then what it has made."""
    undone = await service_dns.forget(client, options, progress)
    await _keep_exports(client, options, progress)
    gone = list((await delete_bundle(client, BUNDLE, options, progress=progress)).pruned)
    gone += await _swept(client, options)
    return undone + Result(changed=bool(gone), pruned=tuple(gone))


async def _keep_exports(client: Client, options: Options, progress: Progress) -> None:
    """Where people have exports, leave them what defines them: without our label it is no longer ours to remove."""
    exports = await _listed(client, f"/apis/{MCS_GROUP}/v1beta1/serviceexports", f"!{EXPORTED}")
    if not exports:
        return
    for name in MCS_NAMES:
        path = f"{_CRDS}/{name}"
        if await client.try_get(path) is not None and not options.check:
            body = {"metadata": {"labels": {PART_OF: None}}}
            await client.request("PATCH", path, body=body, content_type=MERGE)
    progress(client.ref.name, f"{len(exports)} ServiceExports stay, and the definitions that they need")


async def forget_peer(client: Client, peer: str, options: Options) -> bool:
    """Take a leaving cluster's account away, so that its credential opens nothing from now on, and ours at it."""
    path = f"/api/v1/namespaces/{NAMESPACE}/secrets/{account_of(peer)}"
    found = [obj for obj in reversed(peer_account(peer)) if await client.try_get(await client.path_of(obj))]
    held = await client.try_get(path) is not None
    if not options.check:
        for obj in found:
            await client.delete(obj)
        if held:
            await client.delete(path)
    return bool(found) or held


async def _swept(client: Client, options: Options) -> list[str]:
    """Remove what the sync part has made in users' namespaces, and the tokens at the peers."""
    paths = dict.fromkeys(_MADE, IMPORTED)
    paths[f"/api/v1/namespaces/{NAMESPACE}/secrets"] = PEER_LABEL
    for version in ("v1beta1", "v1alpha1"):  # where the definitions stay
        paths[f"/apis/multicluster.x-k8s.io/{version}/serviceexports"] = EXPORTED
        paths[f"/apis/multicluster.x-k8s.io/{version}/serviceimports"] = IMPORTED
    gone: list[str] = []
    for path, label in paths.items():
        gone += await _delete_all(client, path, label, options)
    return gone


async def _listed(client: Client, path: str, label: str = "") -> list[Object]:
    """All items; none where the kind is not served."""
    try:
        return list(await client.list(path, label_selector=label, metadata_only=True))
    except ApiError as error:
        if error.status == 404:
            return []
        raise


async def _delete_all(client: Client, path: str, label: str, options: Options) -> list[str]:
    found = await _listed(client, path, label)
    root, _slash, plural = path.rpartition("/")
    root = root.partition("/namespaces/")[0]
    gone = []
    for item in found:
        where, name = item["metadata"]["namespace"], item["metadata"]["name"]
        if options.check or await client.delete(f"{root}/namespaces/{where}/{plural}/{name}"):
            gone.append(f"{plural} {where}/{name}")
    return gone
