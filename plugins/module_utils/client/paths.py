# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kind -> path. Built-in kinds and ours from a table, so that the usual object costs no discovery request."""

from __future__ import annotations

from dataclasses import dataclass

from .types import Object


@dataclass(frozen=True)
class Resource:
    """How a kind is served: its plural name, and whether its objects live in a namespace."""

    plural: str
    namespaced: bool


def _table() -> dict[tuple[str, str], Resource]:
    namespaced = {
        "v1": "ConfigMap Secret Service ServiceAccount Pod Endpoints Event PersistentVolumeClaim LimitRange"
        " ResourceQuota PodTemplate ReplicationController",
        "apps/v1": "DaemonSet Deployment StatefulSet ReplicaSet ControllerRevision",
        "batch/v1": "Job CronJob",
        "autoscaling/v2": "HorizontalPodAutoscaler",
        "coordination.k8s.io/v1": "Lease",
        "discovery.k8s.io/v1": "EndpointSlice",
        "networking.k8s.io/v1": "NetworkPolicy Ingress",
        "policy/v1": "PodDisruptionBudget",
        "rbac.authorization.k8s.io/v1": "Role RoleBinding",
        "fabric.clusterset.io/v1alpha1": "Fabric Peer TunnelAddress Gateway Link ExportedService",
        "multicluster.x-k8s.io/v1alpha1": "ServiceExport ServiceImport",
        "multicluster.x-k8s.io/v1beta1": "ServiceExport ServiceImport",
    }
    cluster_wide = {
        "v1": "Namespace Node PersistentVolume",
        "admissionregistration.k8s.io/v1": "MutatingWebhookConfiguration ValidatingWebhookConfiguration"
        " ValidatingAdmissionPolicy ValidatingAdmissionPolicyBinding",
        "apiextensions.k8s.io/v1": "CustomResourceDefinition",
        "apiregistration.k8s.io/v1": "APIService",
        "certificates.k8s.io/v1": "CertificateSigningRequest",
        "networking.k8s.io/v1": "IngressClass ServiceCIDR IPAddress",
        "rbac.authorization.k8s.io/v1": "ClusterRole ClusterRoleBinding",
        "scheduling.k8s.io/v1": "PriorityClass",
        "storage.k8s.io/v1": "StorageClass CSIDriver",
        "about.k8s.io/v1beta1": "ClusterProperty",
    }
    table = {}
    for versions, scoped in ((namespaced, True), (cluster_wide, False)):
        for version, kinds in versions.items():
            for kind in kinds.split():
                table[version, kind] = Resource(_plural(kind), scoped)
    return table


def _plural(kind: str) -> str:
    lower = kind.lower()
    if lower == "endpoints":
        return lower
    if lower.endswith("y") and lower[-2] not in "aeiou":
        return lower[:-1] + "ies"
    return lower + ("es" if lower.endswith(("s", "x", "ch")) else "s")


RESOURCES: dict[tuple[str, str], Resource] = _table()


def group_path(api_version: str) -> str:
    """``v1`` -> ``/api/v1``; ``apps/v1`` -> ``/apis/apps/v1``."""
    return f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"


def build(api_version: str, resource: Resource, namespace: str, name: str = "") -> str:
    """The path of one object, or of its collection when ``name`` is empty (all namespaces when that is empty too)."""
    path = group_path(api_version)
    if resource.namespaced and namespace:
        path += f"/namespaces/{namespace}"
    path += f"/{resource.plural}"
    return f"{path}/{name}" if name else path


def of_definition(crd: Object) -> dict[tuple[str, str], Resource]:
    """What a CustomResourceDefinition teaches: its kinds, by served version."""
    spec = crd["spec"]
    resource = Resource(spec["names"]["plural"], spec.get("scope") == "Namespaced")
    versions = [v["name"] for v in spec.get("versions", ()) if v.get("served", True)]
    return {(f"{spec['group']}/{version}", spec["names"]["kind"]): resource for version in versions}
