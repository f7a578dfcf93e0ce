# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ServiceExport and ServiceImport of the Multi-Cluster Services API, for clusters that have no definitions of them.

Both versions are served alike: controllers write v1beta1, and CoreDNS reads v1alpha1.
"""

from __future__ import annotations

from typing import Any

from .schema import Schema, choice, column, structure, text, texts, time

MCS_GROUP = "multicluster.x-k8s.io"
MCS_NAMES = (f"serviceexports.{MCS_GROUP}", f"serviceimports.{MCS_GROUP}")
_VERSIONS = (("v1beta1", True), ("v1alpha1", False))


def mcs_crds() -> list[dict[str, Any]]:
    """Return the definitions of ServiceExport and ServiceImport."""
    return [_service_export(), _service_import()]


def _service_export() -> dict[str, Any]:
    spec = structure(
        "What importing clusters see besides the Service's own fields.",
        {
            "exportedLabels": texts("Labels of the import."),
            "exportedAnnotations": texts("Annotations of the import."),
        },
    )
    status = structure("What became of the export.", {"conditions": _conditions()})
    columns = [
        column("Valid", ".status.conditions[?(@.type=='Valid')].status"),
        column("Conflict", ".status.conditions[?(@.type=='Conflict')].status"),
    ]
    body = {"spec": spec, "status": status}
    return _definition("ServiceExport", "serviceexports", ["svcex"], "Exports the Service of its name.", body, columns)


def _service_import() -> dict[str, Any]:
    port = structure(
        "One port.",
        {
            "name": text("Name of the port; the same as in the endpoints' slices."),
            "protocol": text("TCP, UDP or SCTP.", default="TCP"),
            "port": _integer("Number of the port."),
            "appProtocol": text("What is spoken at the port."),
        },
        ("port",),
    )
    client_ip = structure("Affinity by the client's address.", {"timeoutSeconds": _integer("How long it holds.")})
    spec = structure(
        "The multi-cluster service.",
        {
            "type": choice("Whether it has addresses of its own.", "ClusterSetIP", "Headless"),
            "ips": _short_list("Its addresses in this cluster, in the order of ipFamilies."),
            "ipFamilies": _short_list("Families of its addresses."),
            "ports": {
                "type": "array",
                "description": "Union of all exports' ports.",
                "items": port,
                "x-kubernetes-list-type": "atomic",
            },
            "sessionAffinity": text("ClientIP or None."),
            "sessionAffinityConfig": structure("Details of the session affinity.", {"clientIP": client_ip}),
            "internalTrafficPolicy": text("Cluster or Local."),
            "trafficDistribution": text("Which endpoints are preferred."),
        },
        ("ports", "type"),
    )
    cluster = structure("One exporting cluster.", {"cluster": text("Its id.")}, ("cluster",))
    clusters = {
        "type": "array",
        "description": "The clusters that export it.",
        "items": cluster,
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["cluster"],
    }
    status = structure("Where it comes from.", {"clusters": clusters, "conditions": _conditions()})
    columns = [
        column("Type", ".spec.type"),
        column("IP", ".spec.ips"),
        column("Clusters", ".status.clusters[*].cluster"),
    ]
    body = {"spec": spec, "status": status}
    return _definition("ServiceImport", "serviceimports", ["svcim"], "A service of the clusterset.", body, columns)


def _integer(description: str) -> Schema:
    return {"type": "integer", "format": "int32", "description": description}


def _short_list(description: str) -> Schema:
    return {"type": "array", "description": description, "items": {"type": "string"}, "maxItems": 2}


def _conditions() -> Schema:
    one = structure(
        "One condition.",
        {
            "type": text("What it is about.", maxLength=316),
            "status": choice("Whether it holds.", "True", "False", "Unknown"),
            "reason": text("Why, in one word.", minLength=1, maxLength=1024),
            "message": text("Why, for people.", maxLength=32768),
            "lastTransitionTime": time("Since when the status is this one."),
            "observedGeneration": {
                "type": "integer",
                "format": "int64",
                "minimum": 0,
                "description": "Generation of the object that it is about.",
            },
        },
        ("type", "status", "reason", "message", "lastTransitionTime"),
    )
    return {
        "type": "array",
        "description": "What is to be said of it.",
        "items": one,
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["type"],
    }


def _definition(
    kind: str, plural: str, short: list[str], description: str, body: Schema, columns: list[Schema]
) -> dict[str, Any]:
    plain = {"apiVersion": {"type": "string"}, "kind": {"type": "string"}, "metadata": {"type": "object"}}
    schema = {"type": "object", "description": description, "properties": {**plain, **body}}
    versions = [
        {
            "name": name,
            "served": True,
            "storage": stored,
            "subresources": {"status": {}},
            "additionalPrinterColumns": [*columns, column("Age", ".metadata.creationTimestamp", "date")],
            "schema": {"openAPIV3Schema": schema},
        }
        for name, stored in _VERSIONS
    ]
    names = {"kind": kind, "listKind": f"{kind}List", "plural": plural, "singular": kind.lower(), "shortNames": short}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{MCS_GROUP}"},
        "spec": {"group": MCS_GROUP, "scope": "Namespaced", "names": names, "versions": versions},
    }
