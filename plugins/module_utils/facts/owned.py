# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an earlier run of ours left in the cluster."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from .raw import Item, Raw, dig, name_of
from .types import Gateway, LinkKey, Owned

GROUP = "fabric.clusterset.io"
NAMESPACE = "clusterset-fabric"
KINDS = ("fabrics", "gateways", "peers", "tunneladdresses")
PROPERTY = "cluster.clusterset.k8s.io"
RECEIPT = "fabric-receipt-"  # ConfigMaps of this name say what a bundle has put into the cluster


def owned(raw: Raw) -> Owned:
    """Our own objects; without our CRDs we are not installed."""
    bundles = tuple(sorted(name[len(RECEIPT) :] for name in raw.receipts if name.startswith(RECEIPT)))
    if f"fabrics.{GROUP}" not in raw.crds:
        return Owned(bundles=bundles)
    local: Item = next((item for item in raw.fabrics if name_of(item) == "local"), {})
    spec = in_force(local)
    return Owned(
        installed=True,
        cluster_id=str(spec.get("clusterID") or ""),
        index=int(spec["index"]) if "index" in spec else None,
        state=str(spec.get("state") or ""),
        gateways=tuple(sorted(map(gateway_of, raw.gateways), key=lambda gateway: gateway.ordinal)),
        peers=tuple(sorted(map(name_of, raw.peers))),
        underlay_mtu=_underlay_mtu(raw, spec),
        tunnel_range=str(spec.get("tunnelCIDR") or ""),
        chosen={str(item["node"]): int(item["ordinal"]) for item in spec.get("gateways") or ()},
        key_generations=tuple(sorted(int(number) for number in spec.get("keyGenerations") or ())),
        keys_since=str(spec.get("keysSince") or ""),
        joined=str(dig(local, "metadata", "creationTimestamp") or ""),
        peer_specs={name_of(item): in_force(item) for item in raw.peers},
        fenced={str(item["clusterID"]): int(item["index"]) for item in spec.get("fenced") or ()},
        bundles=bundles,
    )


def in_force(item: Item) -> Item:
    """The spec of a Fabric or Peer, with the gateways that the sync part has found since they were planned."""
    spec: Item = item.get("spec") or {}
    found = dig(item, "status", "current") or {}
    if found.get("planned") == planned(spec) and found.get("gateways"):
        return {**spec, "gateways": found["gateways"]}
    return spec


def planned(spec: Item) -> str:
    """A digest of what the playbook has planned of gateways; the agents compute the same."""
    text = json.dumps([spec.get("gateways"), spec.get("gatewayChoice")], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def gateway_of(item: Item) -> Gateway:
    """One Gateway object, as its agent has written it."""
    spec = item.get("spec") or {}
    return Gateway(
        node=str(spec.get("node") or name_of(item)),
        ordinal=int(spec.get("ordinal") or 0),
        keys=keys_of(spec),
        tunnel_address=str(spec.get("tunnelAddress") or ""),
        endpoint=str(spec.get("endpoint") or ""),
        implementation=str(spec.get("implementation") or ""),
        state=str(dig(item, "status", "state") or ""),
    )


def keys_of(row: Mapping[str, Any]) -> tuple[LinkKey, ...]:
    """The keys of a Gateway, or of a row of a Peer's gateways, oldest generation first."""
    keys = [LinkKey(int(key["generation"]), str(key["publicKey"])) for key in row.get("keys") or ()]
    return tuple(sorted(keys, key=lambda key: key.generation))


def _underlay_mtu(raw: Raw, spec: Item) -> int:
    """Smallest that an agent measured on its node; before any did, what the playbook wrote."""
    measured = [int(dig(item, "status", "underlayMTU") or 0) for item in raw.tunnel_addresses]
    return min(filter(None, measured), default=int(spec.get("underlayMTU") or 0))


def property_id(raw: Raw) -> str:
    """Cluster id of the ClusterProperty object (KEP-2149), "" where there is none."""
    values = (str(dig(item, "spec", "value") or "") for item in raw.properties if name_of(item) == PROPERTY)
    return next(values, "")
