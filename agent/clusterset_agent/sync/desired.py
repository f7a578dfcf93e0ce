# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a multi-cluster service looks like in this cluster: a derived Service, slices, and the ServiceImport."""

from __future__ import annotations

import hashlib
import ipaddress
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from .export import CLUSTERSET_IP, HEADLESS_TYPE, Endpoint, Export, Group, Port
from .merge import Merged
from .names import (
    DERIVED_SERVICE,
    DIGEST,
    HEADLESS,
    IMPORTED,
    MCS,
    OUR_MANAGER,
    PROXY_SERVICE,
    SERVICE_NAME,
    SLICE_MANAGER,
    SOURCE_CLUSTER,
    Key,
    Object,
    derived_name,
)

SLICE_SIZE = 100
"""Endpoints of one slice, as Kubernetes itself cuts them."""
_CLOSE = ("PreferClose", "PreferSameZone", "PreferSameNode")
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def derived_service(merged: Merged, key: Key) -> Object | None:
    """Return the Service without selector that carries the import's addresses; None for a headless one."""
    if merged.headless:
        return None
    oldest = merged.oldest
    spec: Object = {
        "type": "ClusterIP",
        "ports": [{**port.plain(), "name": port_name(port, merged.ports)} for port in merged.ports],
        "sessionAffinity": oldest.affinity,
        "ipFamilyPolicy": "PreferDualStack" if len(oldest.families) > 1 else "SingleStack",
        "ipFamilies": list(oldest.families[:1]),  # the second one is given where this cluster has it
    }
    if oldest.affinity_seconds:
        spec["sessionAffinityConfig"] = {"clientIP": {"timeoutSeconds": oldest.affinity_seconds}}
    if oldest.internal_policy:
        spec["internalTrafficPolicy"] = oldest.internal_policy
    if oldest.distribution:
        spec["trafficDistribution"] = oldest.distribution
    return _ours("v1", "Service", key, derived_name(key), {"spec": spec})


def port_name(port: Port, ports: Sequence[Port]) -> str:
    """Return a port's name in the derived Service: one among several must have one, even where no export gave it."""
    return port.name or (f"{port.protocol.lower()}-{port.port}" if len(ports) > 1 else "")


def service_import(merged: Merged, key: Key, version: str, addresses: Sequence[str], families: Sequence[str]) -> Object:
    """Return the ServiceImport. ``addresses`` and ``families`` are those that the derived Service has got."""
    oldest = merged.oldest
    spec: Object = {
        "type": HEADLESS_TYPE if merged.headless else CLUSTERSET_IP,
        "ips": list(addresses),
        "ipFamilies": list(families),
        "ports": [port.plain() for port in merged.ports],
        "sessionAffinity": oldest.affinity,
    }
    if oldest.affinity_seconds:
        spec["sessionAffinityConfig"] = {"clientIP": {"timeoutSeconds": oldest.affinity_seconds}}
    if oldest.internal_policy:
        spec["internalTrafficPolicy"] = oldest.internal_policy
    if oldest.distribution:
        spec["trafficDistribution"] = oldest.distribution
    made = _ours(f"{MCS}/{version}", "ServiceImport", key, key[1], {"spec": spec})
    made["metadata"]["labels"] = {**oldest.labels, **made["metadata"]["labels"]}
    made["metadata"]["annotations"].update(oldest.annotations)
    if not merged.headless:
        made["metadata"]["annotations"][DERIVED_SERVICE] = derived_name(key)
    return made


def passed_over(merged: Merged, own: str) -> set[str]:
    """Ids of the clusters whose endpoints this one does not use, since it prefers its own and has a ready one."""
    local = next((export for export in merged.exports if export.cluster == own), None)
    if local is None or merged.headless or not local.prefers_local or not local.ready:
        return set()
    return set(merged.clusters) - {own}


def slices(
    merged: Merged, key: Key, own: str, withdrawn: Collection[str], ranges: Mapping[str, Sequence[Network]]
) -> list[Object]:
    """Return the EndpointSlices of all clusters but those ``withdrawn``.

    :param own: id of this cluster; only its own endpoints have nodes that mean something here.
    :param ranges: cluster id -> its pods' ranges; an address outside of them is not believed. None: all are.
    """
    found: list[Object] = []
    for export in merged.exports:
        if export.cluster not in withdrawn:
            found += _slices_of(merged, key, export, export.cluster == own, ranges.get(export.cluster))
    return found


def _slices_of(
    merged: Merged, key: Key, export: Export, own: bool, ranges: Sequence[Network] | None
) -> Iterator[Object]:
    numbers: dict[str, int] = {}
    for group in export.groups:
        ports = _slice_ports(merged, export, group)
        if merged.ports and not ports:
            continue  # the ports in conflict reach only the clusters that really have them
        endpoints = [each for each in group.endpoints if _believed(each, ranges)]
        for start in range(0, len(endpoints), SLICE_SIZE):
            family = group.family.lower()
            number = numbers[family] = numbers.get(family, -1) + 1
            rows = [_endpoint(each, own, merged.oldest.distribution) for each in endpoints[start : start + SLICE_SIZE]]
            body = {"addressType": group.family, "endpoints": rows, "ports": ports}
            name = f"{derived_name(key)}-{export.cluster}-{family}-{number}"
            made = _ours("discovery.k8s.io/v1", "EndpointSlice", key, name, body)
            made["metadata"]["labels"] |= _slice_labels(key, export.cluster, merged.headless)
            yield made


def _slice_labels(key: Key, cluster: str, headless: bool) -> dict[str, str]:
    labels = {
        SERVICE_NAME: key[1],
        SOURCE_CLUSTER: cluster,
        PROXY_SERVICE: derived_name(key),
        SLICE_MANAGER: OUR_MANAGER,
    }
    return labels | ({HEADLESS: ""} if headless else {})


def _slice_ports(merged: Merged, export: Export, group: Group) -> list[Object]:
    """The merged ports that this cluster has under the same number, each with where its endpoints listen."""
    own = {(port.protocol, port.port): port.name for port in export.ports}
    listening = {(port.name, port.protocol): port for port in group.ports}
    rows = []
    for port in merged.ports:
        name = own.get((port.protocol, port.port))
        target = listening.get((name, port.protocol)) if name is not None else None
        if target:
            rows.append({**target.plain(), "name": port_name(port, merged.ports)})
    return rows


def _believed(endpoint: Endpoint, ranges: Sequence[Network] | None) -> bool:
    """Whether the addresses belong to the cluster that claims them."""
    if ranges is None:
        return True
    parsed = [ipaddress.ip_address(address) for address in endpoint.addresses]
    return all(any(address in network for network in ranges) for address in parsed)


def _endpoint(each: Endpoint, own: bool, distribution: str) -> Object:
    row: Object = {
        "addresses": list(each.addresses),
        "conditions": {"ready": each.ready, "serving": each.serving, "terminating": each.terminating},
    }
    optional = {"hostname": each.hostname, "zone": each.zone, "nodeName": each.node if own else ""}
    row |= {name: value for name, value in optional.items() if value}
    if distribution in _CLOSE and each.zone:
        row["hints"] = {"forZones": [{"name": each.zone}]}  # nobody else gives hints to slices that we manage
    return row


def _ours(version: str, kind: str, key: Key, name: str, body: Object) -> Object:
    metadata: Object = {"name": name, "namespace": key[0], "labels": {IMPORTED: key[1]}, "annotations": {}}
    return {"apiVersion": version, "kind": kind, "metadata": metadata, **body}


def sealed(obj: Object) -> Object:
    """Return the object with its digest, by which what was written before is known again."""
    text = json.dumps(obj, sort_keys=True, separators=(",", ":"))
    digest = hashlib.sha256(text.encode()).hexdigest()[:16]
    annotations = {**(obj["metadata"].get("annotations") or {}), DIGEST: digest}
    return {**obj, "metadata": {**obj["metadata"], "annotations": annotations}}


def holds(found: Any, wanted: Any) -> bool:
    """Whether all that is wanted is there; what the server or others have added does not count."""
    if isinstance(wanted, dict):
        asked = {name: value for name, value in wanted.items() if value not in ("", [], {}) or name in (found or ())}
        return isinstance(found, dict) and all(holds(found.get(name), value) for name, value in asked.items())
    if isinstance(wanted, list):
        return isinstance(found, list) and len(found) == len(wanted) and all(map(holds, found, wanted))
    return bool(found == wanted)
