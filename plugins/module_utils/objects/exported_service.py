# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kind by which a cluster tells its peers what it exports."""

from __future__ import annotations

from typing import Any

from .schema import Schema, choice, column, definition, flag, number, rows, structure, text, texts, time


def exported_service_crd() -> dict[str, Any]:
    """Return the definition of ExportedService; the name of an object is ``<namespace>.<service>``."""
    spec = structure(
        "The service, as this cluster exports it.",
        {
            "namespace": text("Namespace of the Service.", maxLength=63),
            "name": text("Name of the Service.", maxLength=63),
            "type": choice("Whether it has an address.", "ClusterSetIP", "Headless"),
            "exportedSince": time("Since when it is exported: where clusters disagree, the oldest export wins."),
            "ports": _ports("Ports of the Service."),
            "ipFamilies": {
                "type": "array",
                "description": "Families of its addresses.",
                "items": {"type": "string"},
                "maxItems": 2,
            },
            "sessionAffinity": text("ClientIP or None."),
            "sessionAffinitySeconds": number("How long an affinity by ClientIP holds.", 0, 86400),
            "internalTrafficPolicy": text("Cluster or Local."),
            "trafficDistribution": text("Which endpoints are preferred."),
            "exportedLabels": texts("Labels for the import."),
            "exportedAnnotations": texts("Annotations for the import."),
            "endpoints": rows("Endpoints that listen at the same ports.", _group(), ("addressType",), most=1000),
        },
        ("namespace", "name", "type", "exportedSince"),
    )
    columns = [
        column("Namespace", ".spec.namespace"),
        column("Service", ".spec.name"),
        column("Type", ".spec.type"),
        column("Exported", ".spec.exportedSince", "date"),
    ]
    return definition("ExportedService", "exportedservices", "What peers may read of an export.", spec, columns)


def _group() -> Schema:
    addresses = {"type": "array", "description": "Addresses.", "items": {"type": "string"}, "maxItems": 100}
    endpoint = {
        "addresses": addresses,
        "ready": flag("Whether it takes requests."),
        "serving": flag("Whether it answers, although it may be about to end."),
        "terminating": flag("Whether it is about to end."),
        "hostname": text("Its name in DNS.", maxLength=63),
        "zone": text("Zone of its node."),
    }
    return {
        "addressType": choice("Family.", "IPv4", "IPv6"),
        "ports": _ports("Ports at which the endpoints listen."),
        "endpoints": rows("The endpoints.", endpoint, ("addresses",), most=100000),
    }


def _ports(description: str) -> Schema:
    port = {
        "name": text("Name of the port."),
        "protocol": text("TCP, UDP or SCTP."),
        "port": number("Number of the port.", 0, 65535),
        "appProtocol": text("What is spoken at the port."),
    }
    return rows(description, port, ("port",), most=1000)
