# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pieces that the definitions of our kinds are made of: OpenAPI schemas, printed columns, the frame around them."""

from __future__ import annotations

from typing import Any

GROUP = "fabric.clusterset.io"
VERSION = "v1alpha1"

Schema = dict[str, Any]


def text(description: str, **more: Any) -> Schema:
    """A string."""
    return {"type": "string", "description": description, **more}


def number(description: str, low: int, high: int) -> Schema:
    """An integer from ``low`` to ``high``."""
    return {"type": "integer", "description": description, "minimum": low, "maximum": high}


def count(description: str) -> Schema:
    """An integer that grows."""
    return {"type": "integer", "format": "int64", "description": description, "minimum": 0}


def flag(description: str, **more: Any) -> Schema:
    """True or false."""
    return {"type": "boolean", "description": description, **more}


def time(description: str) -> Schema:
    """A time, RFC 3339."""
    return text(description, format="date-time")


def choice(description: str, *values: str) -> Schema:
    """One of some words."""
    return text(description, enum=list(values))


def ranges(description: str) -> Schema:
    """Some address ranges, CIDR."""
    return {"type": "array", "description": description, "items": {"type": "string", "maxLength": 49}, "maxItems": 64}


def texts(description: str) -> Schema:
    """Strings by name."""
    return {"type": "object", "description": description, "additionalProperties": {"type": "string"}}


def structure(description: str, properties: Schema, required: tuple[str, ...] = ()) -> Schema:
    """An object with these fields."""
    schema: Schema = {"type": "object", "description": description, "properties": properties}
    if required:
        schema["required"] = list(required)
    return schema


def rows(description: str, properties: Schema, required: tuple[str, ...], *, most: int = 16) -> Schema:
    """A list of at most ``most`` objects with these fields."""
    return {
        "type": "array",
        "description": description,
        "maxItems": most,
        "items": structure("One entry.", properties, required),
    }


def column(name: str, path: str, kind: str = "string", *, wide: bool = False) -> Schema:
    """A column of ``kubectl get``; a wide one is shown with ``-o wide`` only."""
    shown: Schema = {"name": name, "type": kind, "jsonPath": path}
    if wide:
        shown["priority"] = 1
    return shown


def definition(
    kind: str, plural: str, description: str, spec: Schema, columns: list[Schema], status: Schema | None = None
) -> dict[str, Any]:
    """The CustomResourceDefinition of a namespaced kind; ``status`` makes it a subresource."""
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
        "additionalPrinterColumns": [*columns, column("Age", ".metadata.creationTimestamp", "date")],
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
