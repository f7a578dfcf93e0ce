# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The five kinds of ``fabric.clusterset.io/v1alpha1`` as CustomResourceDefinitions."""

from __future__ import annotations

from typing import Any

from .schema import (
    GROUP,
    VERSION,
    Schema,
    choice,
    column,
    count,
    definition,
    flag,
    number,
    ranges,
    rows,
    structure,
    text,
    texts,
    time,
)

__all__ = ["GROUP", "VERSION", "crds"]


def crds() -> list[dict[str, Any]]:
    """Return the definitions of Fabric, Peer, TunnelAddress, Gateway and Link, all namespaced."""
    return [_fabric(), _peer(), _tunnel_address(), _gateway(), _link()]


_INDEX = number("Number of the cluster in the clusterset; the listen ports of links follow from it.", 0, 255)
_ORDINAL = number("Number of the gateway in its cluster; the listen ports of links follow from it.", 0, 15)
_ENDPOINT = text("Address at which other clusters' gateways reach this gateway; empty: the node's internal address.")
_POD_RANGES = ranges("Pod address ranges of the cluster.")
_SERVICE_RANGES = ranges("Service address ranges of the cluster.")
_TUNNEL_RANGE = text("Range of which each node of the cluster takes one tunnel address; its end is for probes.")
_DRIVER = choice("How packets are carried.", "wireguard", "vxlan", "direct")
_COST = number("Of two links of a pair the live one with the lower cost carries.", 0, 65535)
_GENERATION = number("Generation of the keys; the same number in all clusters.", 0, 2147483647)
_KEYS = rows(
    "Public keys of the gateway, oldest generation first.",
    {"generation": _GENERATION, "publicKey": text("WireGuard public key, base64.", maxLength=64)},
    ("generation", "publicKey"),
    most=2,
)


def _current(gateways: Schema) -> Schema:
    """The gateways of now beside those of the spec: the playbook owns the spec, the sync part this."""
    description = (
        "The gateways as they are since they were planned, kept by the sync part; they count instead of those of the "
        "spec, until the playbook plans other ones."
    )
    digest = text("Digest of what the spec said of gateways when this was found.", maxLength=64)
    return structure(description, {"planned": digest, "gateways": gateways})


def _fabric() -> Schema:
    ports = structure(
        "Ports that the agent uses on every node.",
        {
            "vxlan": number("UDP port of fab0, between nodes and gateways of the cluster.", 1, 65535),
            "linkVxlan": number("UDP port of all vxlan links.", 1, 65535),
            "base": number(
                "First UDP port of wireguard links: base + 4096 * slot + 16 * index + ordinal of the other end.",
                1,
                65535,
            ),
            "metrics": number("TCP port of metrics and health.", 1, 65535),
        },
    )
    gateways = rows(
        "Nodes that carry traffic to other clusters, all at once.",
        {"node": text("Name of the node."), "ordinal": _ORDINAL, "endpoint": _ENDPOINT},
        ("node", "ordinal"),
    )
    spec = structure(
        "What the agents of this cluster need to know of it.",
        {
            "clusterID": text("Identity of the cluster in the clusterset.", maxLength=128),
            "index": _INDEX,
            "podCIDRs": _POD_RANGES,
            "serviceCIDRs": _SERVICE_RANGES,
            "tunnelCIDR": _TUNNEL_RANGE,
            "underlayMTU": number("Largest packet, in bytes, that the nodes' own network carries.", 1280, 65535),
            "ports": ports,
            "gateways": gateways,
            "gatewayChoice": structure(
                "How the sync part chooses gateways anew when nodes come and go; absent: not at all.",
                {
                    "count": number("How many; 0: they are named in the inventory, and stay.", 0, 16),
                    "labels": texts("Labels of the nodes that may be chosen; none: any node that takes ordinary pods."),
                    "endpoints": texts("Addresses for other clusters, by node; they win over the node's own."),
                },
            ),
            "keyGenerations": {
                "type": "array",
                "description": "Generations of link keys that each gateway holds now, oldest first.",
                "items": _GENERATION,
                "minItems": 1,
                "maxItems": 2,
                "default": [0],
            },
            "keysSince": time("Time at which the newest generation was introduced."),
            "transit": flag("Whether this cluster passes packets between its peers.", default=False),
            "exports": rows(
                "Services that the inventory asks to be exported; of a row all that it gives must fit.",
                {
                    "namespace": text("Namespace of the Services.", maxLength=63),
                    "name": text("Name of the Service.", maxLength=63),
                    "labels": texts("Labels of the Services."),
                },
                (),
                most=1000,
            ),
            "fenced": rows(
                "Clusters that are kept out of the clusterset for now, with the numbers that they come back with.",
                {"clusterID": text("Identity of the cluster.", maxLength=128), "index": _INDEX},
                ("clusterID", "index"),
                most=256,
            ),
            "policies": flag("Whether gateways pass only what FabricPolicy/local allows."),
            "state": choice("Leaving: every agent undoes what it did on its node.", "Active", "Leaving"),
        },
        ("clusterID", "index", "podCIDRs", "serviceCIDRs", "tunnelCIDR", "underlayMTU", "state"),
    )
    columns = [
        column("Cluster", ".spec.clusterID"),
        column("State", ".spec.state"),
        column("Tunnel", ".spec.tunnelCIDR"),
        column("Keys", ".spec.keyGenerations"),
        column("Transit", ".spec.transit", "boolean"),
        column("Keys since", ".spec.keysSince", "date", wide=True),
        column("Pods", ".spec.podCIDRs", wide=True),
        column("Services", ".spec.serviceCIDRs", wide=True),
    ]
    description = "This cluster, as its own agents see it; the name is `local`."
    status = structure("What has changed since the playbook ran.", {"current": _current(gateways)})
    return definition("Fabric", "fabrics", description, spec, columns, status)


def _peer() -> Schema:
    links = rows(
        "Links of each own gateway to each of the peer's; a link's number is its place here. None: see via.",
        {
            "driver": _DRIVER,
            "cost": _COST,
            "mtu": number("Largest packet, in bytes, for this peer; the same for all of its links.", 1280, 65535),
            "nextHop": text("direct only: router that gateways hand packets to; empty: the remote gateway itself."),
            "nextHop6": text("direct only: router that gateways hand IPv6 packets to; empty: no IPv6 on this link."),
        },
        ("driver", "cost", "mtu"),
        most=2,
    )
    gateways = rows(
        "Gateways of the other cluster.",
        {
            "node": text("Name of the node in the other cluster."),
            "ordinal": _ORDINAL,
            "endpoint": text("Address at which this cluster's gateways reach it; empty: it calls, from behind a NAT."),
            "tunnelAddress": text("Tunnel address of the node."),
            "keys": _KEYS,
        },
        ("node", "ordinal", "endpoint", "tunnelAddress", "keys"),
    )
    spec = structure(
        "Another cluster of the clusterset and the way to it.",
        {
            "clusterID": text("Identity of the other cluster.", maxLength=128),
            "index": _INDEX,
            "podCIDRs": _POD_RANGES,
            "serviceCIDRs": _SERVICE_RANGES,
            "tunnelCIDR": _TUNNEL_RANGE,
            "via": text("Identity of the peer through which this one is reached; empty: by links of its own."),
            "links": links,
            "gateways": gateways,
        },
        ("clusterID", "index", "podCIDRs", "serviceCIDRs", "tunnelCIDR", "links", "gateways"),
    )
    columns = [
        # a column prints the first value of its path only, so each link has one of its own
        column("Driver", ".spec.links[0].driver"),
        column("Second", ".spec.links[1].driver"),
        column("Via", ".spec.via"),
        column("MTU", ".spec.links[0].mtu", "integer"),
        column("Sync", ".status.services.state"),
        column("Pods", ".spec.podCIDRs"),
        column("Services", ".spec.serviceCIDRs", wide=True),
        column("Tunnel", ".spec.tunnelCIDR", wide=True),
        column("Message", ".status.services.message", wide=True),
    ]
    services = structure(
        "How its services stand, as this cluster's sync part sees it.",
        {
            "state": choice("What its silence means.", "Alive", "Unknown", "Forwards", "Dead", "Fenced"),
            "exports": number("How many services it exports.", 0, 2147483647),
            "message": text("What is wrong with it, for people; empty when all is well."),
        },
    )
    status = structure("What the agents see of it.", {"services": services, "current": _current(gateways)})
    return definition("Peer", "peers", "Another cluster; the name is its identity.", spec, columns, status)


def _tunnel_address() -> Schema:
    spec = structure(
        "The node that holds the address.",
        {"node": text("Name of the node."), "underlayAddress": text("Address of the node in its own network.")},
        ("node", "underlayAddress"),
    )
    status = structure(
        "What the node's agent reports.",
        {
            "underlayMTU": number("MTU of the device that carries the node's own address.", 0, 65535),
            "agentVersion": text("Version of the agent on the node."),
            "undone": flag("True once nothing of the agent's work is left on the node."),
            "message": text("The last fault, for people; empty when all is well."),
        },
    )
    columns = [
        column("Node", ".spec.node"),
        column("Underlay", ".spec.underlayAddress"),
        column("MTU", ".status.underlayMTU", "integer"),
        column("Agent", ".status.agentVersion"),
        column("Message", ".status.message"),
        column("Undone", ".status.undone", "boolean", wide=True),
    ]
    description = "The claim of one node to one tunnel address; the name is the address."
    return definition("TunnelAddress", "tunneladdresses", description, spec, columns, status)


def _gateway() -> Schema:
    spec = structure(
        "What other clusters need to know of this gateway.",
        {
            "node": text("Name of the node."),
            "ordinal": _ORDINAL,
            "tunnelAddress": text("Tunnel address of the node."),
            "endpoint": text("Address at which other clusters' gateways reach it."),
            "implementation": choice("Where WireGuard runs.", "kernel", "userspace"),
            "keys": _KEYS,
        },
        ("node", "ordinal", "tunnelAddress", "endpoint", "implementation", "keys"),
    )
    status = structure(
        "What the gateway's agent does with it.",
        {
            "state": choice("Drained: no traffic passes it any more.", "Active", "Draining", "Drained"),
            "message": text("Why, for people; empty when all is well."),
            "policyGeneration": count("Generation of FabricPolicy that it enforces; absent: none."),
        },
    )
    columns = [
        column("State", ".status.state"),
        column("Endpoint", ".spec.endpoint"),
        column("Tunnel", ".spec.tunnelAddress"),
        column("WireGuard", ".spec.implementation"),
        column("Keys", ".spec.keys[-1:].generation", "integer"),
        column("Message", ".status.message", wide=True),
    ]
    description = "A gateway, published by its agent; the name is the node's."
    return definition("Gateway", "gateways", description, spec, columns, status)


def _link() -> Schema:
    spec = structure(
        "One link of one gateway to one gateway of another cluster.",
        {
            "node": text("Name of the gateway."),
            "peer": text("Identity of the other cluster."),
            "remoteGateway": text("Name of the other cluster's gateway."),
            "driver": _DRIVER,
            "number": number("Place of the link in the Peer's list.", 0, 1),
            "generation": _GENERATION,
            "cost": _COST,
            "interface": text("Name of the network interface on the node.", maxLength=15),
            "port": number("UDP port at which it is received; absent for direct links.", 1, 65535),
        },
        ("node", "peer", "remoteGateway", "driver", "number", "generation", "cost", "interface"),
    )
    status = structure(
        "What the gateway's agent sees.",
        {
            "state": choice("Up: probes are answered.", "Up", "Down", "Connecting"),
            "carrying": flag("Whether routes of the gateway use it now."),
            "mtu": number("Largest packet, in bytes, that really passes; 0: not known.", 0, 65535),
            "message": text("What is wrong with it, for people; empty when all is well."),
            "roundTripMilliseconds": {"type": "number", "description": "Smoothed round trip of the probes."},
            "lastHandshake": time("Time of the last handshake."),
            "receivedBytes": count("Bytes received since the interface was made."),
            "sentBytes": count("Bytes sent since the interface was made."),
            "since": time("Time since which the state holds."),
        },
    )
    columns = [
        column("Driver", ".spec.driver"),
        column("Generation", ".spec.generation", "integer"),
        column("State", ".status.state"),
        column("Carrying", ".status.carrying", "boolean"),
        column("Round trip ms", ".status.roundTripMilliseconds", "number"),
        column("Handshake", ".status.lastHandshake", "date"),
        column("Received", ".status.receivedBytes", "integer"),
        column("Sent", ".status.sentBytes", "integer"),
        column("Since", ".status.since", "date"),
        column("Cost", ".spec.cost", "integer", wide=True),
        column("MTU", ".status.mtu", "integer", wide=True),
        column("Interface", ".spec.interface", wide=True),
        column("Port", ".spec.port", "integer", wide=True),
        column("Message", ".status.message", wide=True),
    ]
    return definition("Link", "links", "One link as its gateway sees it.", spec, columns, status)
