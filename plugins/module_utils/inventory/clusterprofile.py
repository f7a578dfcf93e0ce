# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ClusterProfile objects of a hub (SIG-Multicluster cluster inventory) as clusters.

The hub says which clusters there are, with labels, properties and the names of ways to reach each (access providers).
What such a name means here, the inventory file says under ``access:``; a credential never comes from the hub.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from ..errors import FabricError
from . import access
from .entries import Entry, fault
from .found import Found
from .kubeconfig import read_contexts, search_path

API = "/apis/multicluster.x-k8s.io/v1alpha1"
CLUSTER_ID = "cluster.clusterset.k8s.io"
KEYS = ("kubeconfig", "context", "namespace", "selector", "access", "deadline", "directory")
DEADLINE = 15.0  # seconds


def find(data: Mapping[str, Any], place: str, base: str) -> list[Found]:
    """The clusters of ``{cluster_profiles: {kubeconfig:, context:, namespace:, selector:, access: {name: way}}}``."""
    source = Entry(data, place, ("cluster_profiles",))
    entry = Entry(source.data["cluster_profiles"], source.at("cluster_profiles"), KEYS)
    paths = search_path(entry.data.get("kubeconfig", True), base, entry.at("kubeconfig"))
    ways = access.read(entry, base)
    context = entry.text("context")
    if context:
        known = read_contexts(paths, entry.at("kubeconfig"))
        if context not in known:
            raise fault(entry.at("context"), f"no context '{context}'.", f"there are: {', '.join(sorted(known))}")
    profiles = asyncio.run(_list(entry, access.joined(paths), context))
    return [_found(profile, entry, ways) for profile in sorted(profiles, key=_name)]


async def _list(entry: Entry, kubeconfig: str, context: str) -> list[dict[str, Any]]:
    """The hub's ClusterProfile objects, of one namespace or of all."""
    from ..client import client as api  # costs half a second, so only inventories with a hub pay for it
    from ..client.types import ClusterRef

    namespace = entry.text("namespace")
    within = f"/namespaces/{namespace}" if namespace else ""
    deadline = entry.number("deadline", DEADLINE)
    try:
        ref = ClusterRef("hub", kubeconfig=kubeconfig, context=context or None)
        async with await api.open_client(ref, deadline=deadline) as client:
            return list(await client.list(f"{API}{within}/clusterprofiles", label_selector=entry.text("selector")))
    except FabricError as error:
        if getattr(error, "status", 0) == 404:
            fix = "install the CRD clusterprofiles.multicluster.x-k8s.io, or correct context:"
            raise fault(entry.place, "the hub serves no multicluster.x-k8s.io/v1alpha1.", fix) from error
        raise fault(entry.place, f"cannot list the hub's ClusterProfiles: {error.message}", error.fix) from error


def _name(profile: Mapping[str, Any]) -> tuple[str, str]:
    meta = profile["metadata"]
    return str(meta["name"]), str(meta.get("namespace", ""))


def _found(profile: Mapping[str, Any], entry: Entry, ways: list[access.Way]) -> Found:
    """One profile as a cluster: named and labelled by the hub, reached as the inventory file says."""
    name, namespace = _name(profile)
    status = profile.get("status") or {}
    properties = {item["name"]: item["value"] for item in status.get("properties") or ()}
    # of two lists of providers the newer wins where both have a name
    providers = {
        item["name"]: item.get("cluster") or {}
        for key in ("credentialProviders", "accessProviders")
        for item in status.get(key) or ()
    }
    own = access.reference(ways, providers, access.Profile(name, namespace), entry.place)
    if CLUSTER_ID in properties:
        own["fabric_cluster_id"] = properties[CLUSTER_ID]
    labels = profile["metadata"].get("labels") or {}
    place = f"{entry.place} (ClusterProfile {namespace}/{name})"
    return Found(name, "cluster_profiles", place, own, labels, properties)
