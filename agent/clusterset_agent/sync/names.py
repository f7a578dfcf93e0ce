# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Groups, labels and names that the sync part shares with other programs."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

Object = dict[str, Any]
Key = tuple[str, str]
"""Namespace and name of a service; they mean the same in all clusters."""

MCS = "multicluster.x-k8s.io"
MCS_VERSIONS = ("v1beta1", "v1alpha1")
OURS = "fabric.clusterset.io/v1alpha1"
ALIVE_LEASE = "fabric-sync-alive"
LEADER_LEASE = "fabric-sync"

SERVICE_NAME = "multicluster.kubernetes.io/service-name"
SOURCE_CLUSTER = "multicluster.kubernetes.io/source-cluster"
DERIVED_SERVICE = "multicluster.kubernetes.io/derived-service"
PROXY_SERVICE = "kubernetes.io/service-name"
SLICE_MANAGER = "endpointslice.kubernetes.io/managed-by"
HEADLESS = "service.kubernetes.io/headless"
OUR_MANAGER = "sync.fabric.clusterset.io"
IMPORTED = "fabric.clusterset.io/import"
"""Label of everything that the sync part makes in users' namespaces; the value is the service's name."""
EXPORTED = "fabric.clusterset.io/export"
"""Label of the ServiceExports that the inventory asked for."""
WEIGHT = "fabric.clusterset.io/weight"
"""Annotation of a ServiceExport: "0" means that this cluster's endpoints take no traffic; "1" is the default."""
PREFER = "fabric.clusterset.io/prefer"
"""Annotation of a ServiceExport: "local" means that this cluster's clients go to its own endpoints if any is ready."""
DIGEST = "fabric.clusterset.io/digest"
"""Annotation: digest of what we wanted when we last wrote the object."""


def derived_name(key: Key) -> str:
    """Return the name of the Service that carries an import's address; the same in each cluster and for ever."""
    digest = hashlib.sha256("/".join(key).encode()).digest()
    return "derived-" + base64.b32encode(digest).decode().lower()[:12]


def exported_name(key: Key) -> str:
    """Return the name of the ExportedService of a service."""
    return f"{key[0]}.{key[1]}"


def by_name(item: Object) -> Key:
    """Return the key of an object that belongs to no service: its name."""
    return item["metadata"]["name"], ""


def is_ours(item: Object) -> bool:
    """Whether the sync part made this object."""
    return IMPORTED in (item["metadata"].get("labels") or {})
