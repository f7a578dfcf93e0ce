# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kinds by which policies between clusters are told, pods are named to peers, and gateways know addresses."""

from __future__ import annotations

from typing import Any

from .schema import Schema, choice, column, count, definition, rows, structure, text, texts

MOST_ADDRESSES = 1000  # of one object; the sync part puts fewer into one


def policy_crds() -> list[dict[str, Any]]:
    """Return the definitions of FabricPolicy, PodIdentity and Selection."""
    return [_fabric_policy(), _pod_identity(), _selection()]


def _fabric_policy() -> Schema:
    policy = {
        "name": text("Name of the policy.", maxLength=63),
        "action": choice("What becomes of the connections.", "allow", "deny"),
        "from": _selector("The pods that open connections."),
        "to": _selector("The pods that take them."),
        "ports": _words("Ports, such as tcp/80 or udp/53-60; none: all ports and protocols, or those of the export."),
    }
    spec = structure(
        "Who may talk to whom between clusters.",
        {
            "default": choice("What becomes of connections that no policy names.", "allow", "deny"),
            "policies": rows(
                "The first one that applies decides.", policy, ("name", "action", "from", "to"), most=1000
            ),
        },
        ("default", "policies"),
    )
    observed = count("Generation for which all pods of all clusters are known.")
    status = structure("What the sync part has found out.", {"observedGeneration": observed})
    columns = [column("Default", ".spec.default"), column("Policies", ".spec.policies[*].name")]
    description = "The policies of the clusterset, the same in each cluster; the name is `local`."
    return definition("FabricPolicy", "fabricpolicies", description, spec, columns, status)


def _pod_identity() -> Schema:
    spec = structure(
        "Pods of this cluster that have a namespace and the labels that policies name in common.",
        {
            "namespace": text("Namespace of the pods.", maxLength=63),
            "labels": texts("Those of their labels that policies name."),
            "addresses": _addresses(),
        },
        ("namespace", "addresses"),
    )
    columns = [column("Namespace", ".spec.namespace"), column("Labels", ".spec.labels")]
    description = "What peers may read of pods that policies name."
    return definition("PodIdentity", "podidentities", description, spec, columns)


def _selection() -> Schema:
    spec = structure(
        "Addresses that a selector stands for at the moment.",
        {
            "selector": text("Digest of the selector.", maxLength=63),
            "ports": _words("Ports of the export at these addresses; none: it is not an export."),
            "addresses": _addresses(),
        },
        ("selector", "addresses"),
    )
    columns = [column("Selector", ".spec.selector"), column("Ports", ".spec.ports")]
    description = "What the sync part has found out for the gateways: pods of all clusters that a policy names."
    return definition("Selection", "selections", description, spec, columns)


def _selector(description: str) -> Schema:
    return structure(
        description,
        {
            "labels": texts("Labels that the pods have; none: any."),
            "namespaces": _words("Namespaces; none: all."),
            "clusters": _words("Ids of the clusters."),
            "export": text("Instead of labels and namespaces: an exported service, as namespace/service."),
        },
        ("clusters",),
    )


def _words(description: str) -> Schema:
    return {"type": "array", "description": description, "items": {"type": "string"}, "maxItems": 1000}


def _addresses() -> Schema:
    items = {"type": "string", "maxLength": 39}
    return {"type": "array", "description": "Addresses.", "items": items, "maxItems": MOST_ADDRESSES}
