# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The five kinds of ``fabric.clusterset.io/v1alpha1`` as CustomResourceDefinitions."""

from __future__ import annotations

from typing import Any

GROUP = "fabric.clusterset.io"
VERSION = "v1alpha1"

Schema = dict[str, Any]


def crds() -> list[dict[str, Any]]:
    """Return the definitions of Fabric, Peer, TunnelAddress, Gateway and Link, all namespaced."""
    return [_fabric(), _peer(), _tunnel_address(), _gateway(), _link()]


def _text(description: str, **more: Any) -> Schema:
    return {"type": "string", "description": description, **more}


def _number(description: str, low: int, high: int) -> Schema:
    return {"type": "integer", "description": description, "minimum": low, "maximum": high}


def _count(description: str) -> Schema:
    return {"type": "integer", "format": "int64", "description": description, "minimum": 0}


def _time(description: str) -> Schema:
    return _text(description, format="date-time")


def _choice(description: str, *values: str) -> Schema:
    return _text(description, enum=list(values))


def _ranges(description: str) -> Schema:
    return {"type": "array", "description": description, "items": {"type": "string", "maxLength": 49}, "maxItems": 64}


def _map(description: str, properties: Schema, required: tuple[str, ...] = ()) -> Schema:
    schema: Schema = {"type": "object", "description": description, "properties": properties}
    if required:
        schema["required"] = list(required)
    return schema


def _rows(description: str, properties: Schema, required: tuple[str, ...]) -> Schema:
    return {
        "type": "array",
        "description": description,
        "maxItems": 16,
        "items": _map("One entry.", properties, required),
    }


def _column(name: str, path: str, kind: str = "string", *, wide: bool = False) -> Schema:
    column: Schema = {"name": name, "type": kind, "jsonPath": path}
    if wide:
        column["priority"] = 1
    return column


def _definition(
    kind: str, plural: str, description: str, spec: Schema, columns: list[Schema], status: Schema | None = None
) -> Schema:
    body: Schema = {
        "type": "object",
        "description": description,
        "required": ["spec"],
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": {"type": "object"},
            "spec": spec,
        },
    }
    version: Schema = {
        "name": VERSION,
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": body},
        "additionalPrinterColumns": [*columns, _column("Age", ".metadata.creationTimestamp", "date")],
    }
    if status:
        body["properties"]["status"] = status
        version["subresources"] = {"status": {}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "scope": "Namespaced",
            "names": {"kind": kind, "listKind": f"{kind}List", "plural": plural, "singular": kind.lower()},
            "versions": [version],
        },
    }


_INDEX = _number("Number of the cluster in the clusterset; the listen ports of links follow from it.", 0, 255)
_ORDINAL = _number("Number of the gateway in its cluster; the listen ports of links follow from it.", 0, 15)
_ENDPOINT = _text("Address at which other clusters' gateways reach this gateway; empty: the node's internal address.")
_POD_RANGES = _ranges("Pod address ranges of the cluster.")
_SERVICE_RANGES = _ranges("Service address ranges of the cluster.")
_TUNNEL_RANGE = _text("Range of which each node of the cluster takes one tunnel address.")


def _fabric() -> Schema:
    ports = _map(
        "Ports that the agent uses on every node.",
        {
            "vxlan": _number("UDP port of fab0, between nodes and gateways of the cluster.", 1, 65535),
            "base": _number("First UDP port of the links: base + 16 * index + ordinal of the other end.", 1, 65535),
            "metrics": _number("TCP port of metrics and health.", 1, 65535),
        },
    )
    gateways = _rows(
        "Nodes that carry traffic to other clusters, all at once.",
        {"node": _text("Name of the node."), "ordinal": _ORDINAL, "endpoint": _ENDPOINT},
        ("node", "ordinal"),
    )
    spec = _map(
        "What the agents of this cluster need to know of it.",
        {
            "clusterID": _text("Identity of the cluster in the clusterset.", maxLength=128),
            "index": _INDEX,
            "podCIDRs": _POD_RANGES,
            "serviceCIDRs": _SERVICE_RANGES,
            "tunnelCIDR": _TUNNEL_RANGE,
            "underlayMTU": _number("Largest packet, in bytes, that the nodes' own network carries.", 1280, 65535),
            "ports": ports,
            "gateways": gateways,
            "state": _choice("Leaving: every agent undoes what it did on its node.", "Active", "Leaving"),
        },
        ("clusterID", "index", "podCIDRs", "serviceCIDRs", "tunnelCIDR", "underlayMTU", "state"),
    )
    columns = [
        _column("Cluster", ".spec.clusterID"),
        _column("State", ".spec.state"),
        _column("Tunnel", ".spec.tunnelCIDR"),
        _column("Pods", ".spec.podCIDRs", wide=True),
        _column("Services", ".spec.serviceCIDRs", wide=True),
    ]
    return _definition(
        "Fabric", "fabrics", "This cluster, as its own agents see it; the name is `local`.", spec, columns
    )


def _peer() -> Schema:
    gateways = _rows(
        "Gateways of the other cluster.",
        {
            "node": _text("Name of the node in the other cluster."),
            "ordinal": _ORDINAL,
            "endpoint": _text("Address at which this cluster's gateways reach it."),
            "publicKey": _text("WireGuard public key, base64.", maxLength=64),
            "tunnelAddress": _text("Tunnel address of the node."),
        },
        ("node", "ordinal", "endpoint", "publicKey", "tunnelAddress"),
    )
    spec = _map(
        "Another cluster of the clusterset and the link to it.",
        {
            "clusterID": _text("Identity of the other cluster.", maxLength=128),
            "index": _INDEX,
            "podCIDRs": _POD_RANGES,
            "serviceCIDRs": _SERVICE_RANGES,
            "tunnelCIDR": _TUNNEL_RANGE,
            "driver": _choice("How packets are carried.", "wireguard"),
            "mtu": _number("MTU of the link's interfaces, in bytes.", 1280, 65535),
            "gateways": gateways,
        },
        ("clusterID", "index", "podCIDRs", "serviceCIDRs", "tunnelCIDR", "driver", "mtu", "gateways"),
    )
    columns = [
        _column("Driver", ".spec.driver"),
        _column("MTU", ".spec.mtu", "integer"),
        _column("Pods", ".spec.podCIDRs"),
        _column("Services", ".spec.serviceCIDRs", wide=True),
        _column("Tunnel", ".spec.tunnelCIDR", wide=True),
    ]
    return _definition("Peer", "peers", "Another cluster; the name is its identity.", spec, columns)


def _tunnel_address() -> Schema:
    spec = _map(
        "The node that holds the address.",
        {"node": _text("Name of the node."), "underlayAddress": _text("Address of the node in its own network.")},
        ("node", "underlayAddress"),
    )
    status = _map(
        "What the node's agent reports.",
        {
            "underlayMTU": _number("MTU of the device that carries the node's own address.", 0, 65535),
            "agentVersion": _text("Version of the agent on the node."),
            "undone": {"type": "boolean", "description": "True once nothing of the agent's work is left on the node."},
            "message": _text("The last fault, for people; empty when all is well."),
        },
    )
    columns = [
        _column("Node", ".spec.node"),
        _column("Underlay", ".spec.underlayAddress"),
        _column("MTU", ".status.underlayMTU", "integer"),
        _column("Agent", ".status.agentVersion"),
        _column("Message", ".status.message"),
        _column("Undone", ".status.undone", "boolean", wide=True),
    ]
    description = "The claim of one node to one tunnel address; the name is the address."
    return _definition("TunnelAddress", "tunneladdresses", description, spec, columns, status)


def _gateway() -> Schema:
    spec = _map(
        "What other clusters need to know of this gateway.",
        {
            "node": _text("Name of the node."),
            "ordinal": _ORDINAL,
            "publicKey": _text("WireGuard public key, base64.", maxLength=64),
            "tunnelAddress": _text("Tunnel address of the node."),
            "endpoint": _text("Address at which other clusters' gateways reach it."),
            "implementation": _choice("Where WireGuard runs.", "kernel", "userspace"),
        },
        ("node", "ordinal", "publicKey", "tunnelAddress", "endpoint", "implementation"),
    )
    columns = [
        _column("Endpoint", ".spec.endpoint"),
        _column("Tunnel", ".spec.tunnelAddress"),
        _column("WireGuard", ".spec.implementation"),
        _column("Key", ".spec.publicKey", wide=True),
    ]
    return _definition(
        "Gateway", "gateways", "A gateway, published by its agent; the name is the node's.", spec, columns
    )


def _link() -> Schema:
    spec = _map(
        "One interface of one gateway to one gateway of another cluster.",
        {
            "node": _text("Name of the gateway."),
            "peer": _text("Identity of the other cluster."),
            "remoteGateway": _text("Name of the other cluster's gateway."),
            "driver": _choice("How packets are carried.", "wireguard"),
            "interface": _text("Name of the network interface on the node.", maxLength=15),
            "port": _number("UDP port on which the interface listens.", 1, 65535),
        },
        ("node", "peer", "remoteGateway", "driver", "interface", "port"),
    )
    status = _map(
        "What the gateway's agent sees.",
        {
            "state": _choice("Up: probes are answered.", "Up", "Down", "Connecting"),
            "roundTripMilliseconds": {"type": "number", "description": "Smoothed round trip of the probes."},
            "lastHandshake": _time("Time of the last handshake."),
            "receivedBytes": _count("Bytes received since the interface was made."),
            "sentBytes": _count("Bytes sent since the interface was made."),
            "since": _time("Time since which the state holds."),
        },
    )
    columns = [
        _column("Driver", ".spec.driver"),
        _column("State", ".status.state"),
        _column("Round trip ms", ".status.roundTripMilliseconds", "number"),
        _column("Handshake", ".status.lastHandshake", "date"),
        _column("Received", ".status.receivedBytes", "integer"),
        _column("Sent", ".status.sentBytes", "integer"),
        _column("Since", ".status.since", "date"),
        _column("Interface", ".spec.interface", wide=True),
        _column("Port", ".spec.port", "integer", wide=True),
    ]
    return _definition("Link", "links", "One link as its gateway sees it.", spec, columns, status)
