# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What one cluster exports of one service: read from its objects, written as ExportedService, read again by peers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .names import OURS, PREFER, SLICE_MANAGER, WEIGHT, Key, Object, exported_name, is_ours

CLUSTERSET_IP = "ClusterSetIP"
HEADLESS_TYPE = "Headless"
_FAMILIES = ("IPv4", "IPv6")
_ANNOTATIONS = {WEIGHT: ("0", "1"), PREFER: ("local", "any")}
"""Those of a ServiceExport that we know, and what they may say."""


@dataclass(frozen=True)
class Port:
    """A port of a Service, or of its endpoints."""

    name: str
    protocol: str
    port: int
    app_protocol: str = ""

    def plain(self) -> Object:
        """Return it as the API writes it."""
        row: Object = {"name": self.name, "protocol": self.protocol, "port": self.port}
        return row | ({"appProtocol": self.app_protocol} if self.app_protocol else {})


@dataclass(frozen=True)
class Endpoint:
    """One endpoint with its addresses of one family."""

    addresses: tuple[str, ...]
    ready: bool = True
    serving: bool = True
    terminating: bool = False
    hostname: str = ""
    zone: str = ""
    node: str = ""


@dataclass(frozen=True)
class Group:
    """Endpoints of one family that listen at the same ports."""

    family: str
    ports: tuple[Port, ...]
    endpoints: tuple[Endpoint, ...]


@dataclass(frozen=True)
class Export:
    """One service as one cluster exports it. ``since`` is RFC 3339, ``affinity_seconds`` 0 where it has none.

    :ivar prefers_local: of interest to its own cluster only, so peers are not told. :ivar remark: for who exports it.
    """

    cluster: str
    namespace: str
    name: str
    type: str
    since: str
    ports: tuple[Port, ...] = ()
    families: tuple[str, ...] = ("IPv4",)
    affinity: str = "None"
    affinity_seconds: int = 0
    internal_policy: str = ""
    distribution: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    groups: tuple[Group, ...] = ()
    prefers_local: bool = False
    remark: str = ""

    @property
    def ready(self) -> bool:
        """Whether some endpoint takes requests."""
        return any(each.ready for group in self.groups for each in group.endpoints)

    @property
    def key(self) -> Key:
        """Namespace and name."""
        return self.namespace, self.name


@dataclass(frozen=True)
class Refusal:
    """Why a ServiceExport exports nothing; the reason is a word of KEP-1645."""

    reason: str
    message: str


def local_export(cluster: str, export: Object, service: Object | None, slices: Iterable[Object]) -> Export | Refusal:
    """Return what a ServiceExport of this cluster exports."""
    if service is None:
        return Refusal("NoService", "there is no Service of this name in this namespace")
    spec = service["spec"]
    if spec.get("type") == "ExternalName":
        return Refusal("InvalidServiceType", "a Service of type ExternalName cannot be exported")
    metadata, wishes = export["metadata"], export.get("spec") or {}
    headless = spec.get("clusterIP") == "None"
    notes = metadata.get("annotations") or {}
    idle = notes.get(WEIGHT) == "0" and not headless
    config = ((spec.get("sessionAffinityConfig") or {}).get("clientIP") or {}).get("timeoutSeconds")
    return Export(
        cluster=cluster,
        namespace=metadata["namespace"],
        name=metadata["name"],
        type=HEADLESS_TYPE if headless else CLUSTERSET_IP,
        since=metadata.get("creationTimestamp", ""),
        ports=tuple(_port(row) for row in spec.get("ports") or ()),
        families=tuple(spec.get("ipFamilies") or ("IPv4",)),
        affinity=spec.get("sessionAffinity") or "None",
        affinity_seconds=int(config or 0),
        internal_policy=spec.get("internalTrafficPolicy") or "",
        distribution=spec.get("trafficDistribution") or "",
        labels=dict(wishes.get("exportedLabels") or {}),
        annotations=dict(wishes.get("exportedAnnotations") or {}),
        groups=() if idle else _groups(each for each in slices if not is_ours(each) and SLICE_MANAGER in _labels(each)),
        prefers_local=notes.get(PREFER) == "local" and not headless,
        remark=_remark(notes, headless),
    )


def _labels(item: Object) -> Mapping[str, str]:
    found: Mapping[str, str] = item["metadata"]["labels"]
    return found


def _remark(notes: Mapping[str, str], headless: bool) -> str:
    """What is wrong with our annotations of a ServiceExport; such a one counts for nothing."""
    given = {name: notes[name] for name in _ANNOTATIONS if name in notes}
    if given and headless:
        return f"{' and '.join(given)}: a headless service has no address that could lead elsewhere"
    wrong = {name: value for name, value in given.items() if value not in _ANNOTATIONS[name]}
    return "; ".join(f"{name} is {value!r}: use {' or '.join(_ANNOTATIONS[name])}" for name, value in wrong.items())


def _groups(slices: Iterable[Object]) -> tuple[Group, ...]:
    """Join slices with the same family and ports: how a cluster cuts them is its own business."""
    joined: dict[tuple[str, tuple[Port, ...]], dict[tuple[str, ...], Endpoint]] = {}
    for item in slices:
        if item.get("addressType") in _FAMILIES:
            ports = tuple(sorted((_port(row) for row in item.get("ports") or ()), key=_order))
            found = joined.setdefault((item["addressType"], ports), {})
            found.update({tuple(row["addresses"]): _endpoint(row) for row in item.get("endpoints") or ()})
    return tuple(
        Group(family, ports, tuple(found[addresses] for addresses in sorted(found)))
        for (family, ports), found in sorted(joined.items(), key=_place)
    )


def _place(entry: tuple[tuple[str, tuple[Port, ...]], Any]) -> tuple[str, list[tuple[str, str, int, str]]]:
    (family, ports), _found = entry
    return family, list(map(_order, ports))


def _order(port: Port) -> tuple[str, str, int, str]:
    return port.name, port.protocol, port.port, port.app_protocol


def _port(row: Mapping[str, Any]) -> Port:
    protocol, app_protocol = row.get("protocol") or "TCP", row.get("appProtocol") or ""
    return Port(row.get("name") or "", protocol, int(row.get("port") or 0), app_protocol)


def _endpoint(row: Mapping[str, Any]) -> Endpoint:
    """An endpoint of a slice; a condition that is not there means yes, but for terminating."""
    conditions = row.get("conditions") or {}
    ready = conditions.get("ready") is not False
    serving = conditions.get("serving")
    return Endpoint(
        tuple(row["addresses"]),
        ready=ready,
        serving=ready if serving is None else bool(serving),
        terminating=bool(conditions.get("terminating")),
        hostname=row.get("hostname") or "",
        zone=row.get("zone") or "",
        node=row.get("nodeName") or "",
    )


def to_object(export: Export, namespace: str) -> Object:
    """Return the ExportedService that tells peers of it. ``namespace`` is ours."""
    spec: Object = {
        "namespace": export.namespace,
        "name": export.name,
        "type": export.type,
        "exportedSince": export.since,
        "ports": [port.plain() for port in export.ports],
        "ipFamilies": list(export.families),
        "sessionAffinity": export.affinity,
        "sessionAffinitySeconds": export.affinity_seconds,
        "internalTrafficPolicy": export.internal_policy,
        "trafficDistribution": export.distribution,
        "exportedLabels": dict(export.labels),
        "exportedAnnotations": dict(export.annotations),
        "endpoints": [_group_row(group) for group in export.groups],
    }
    metadata = {"name": exported_name(export.key), "namespace": namespace}
    return {"apiVersion": OURS, "kind": "ExportedService", "metadata": metadata, "spec": spec}


def _group_row(group: Group) -> Object:
    rows = []
    for each in group.endpoints:
        row: Object = {"addresses": list(each.addresses), "ready": each.ready, "serving": each.serving}
        row |= {"terminating": True} if each.terminating else {}
        row |= {name: value for name, value in (("hostname", each.hostname), ("zone", each.zone)) if value}
        rows.append(row)
    return {"addressType": group.family, "ports": [port.plain() for port in group.ports], "endpoints": rows}


def from_object(cluster: str, item: Object) -> Export:
    """Return what a peer's ExportedService says. ``cluster`` is who it was read from, whatever it claims."""
    spec = item["spec"]
    return Export(
        cluster=cluster,
        namespace=spec["namespace"],
        name=spec["name"],
        type=spec["type"],
        since=spec.get("exportedSince") or "",
        ports=tuple(_port(row) for row in spec.get("ports") or ()),
        families=tuple(spec.get("ipFamilies") or ("IPv4",)),
        affinity=spec.get("sessionAffinity") or "None",
        affinity_seconds=int(spec.get("sessionAffinitySeconds") or 0),
        internal_policy=spec.get("internalTrafficPolicy") or "",
        distribution=spec.get("trafficDistribution") or "",
        labels=dict(spec.get("exportedLabels") or {}),
        annotations=dict(spec.get("exportedAnnotations") or {}),
        groups=tuple(_group(row) for row in spec.get("endpoints") or ()),
    )


def _group(row: Mapping[str, Any]) -> Group:
    endpoints = tuple(
        Endpoint(
            tuple(each["addresses"]),
            ready=bool(each.get("ready", True)),
            serving=bool(each.get("serving", True)),
            terminating=bool(each.get("terminating")),
            hostname=each.get("hostname") or "",
            zone=each.get("zone") or "",
        )
        for each in row.get("endpoints") or ()
    )
    return Group(row["addressType"], tuple(_port(port) for port in row.get("ports") or ()), endpoints)
