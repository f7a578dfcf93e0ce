# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is changed around Calico's API: admission policies, webhooks, the aggregated API server."""

from __future__ import annotations

import base64

from ...client.types import Object
from ...errors import FabricError
from ...facts.releases import NATIVE_API_SINCE
from .manifest import Certificate, Manifest, Patch, Settings

WEBHOOKS, API_SERVER = "calico-webhooks", "calico-apiserver"
_ADMISSION = "admissionregistration.k8s.io/"
_MUTATING = ("MutatingAdmissionPolicy", "MutatingAdmissionPolicyBinding")
_WEBHOOK_KINDS = (
    "ServiceAccount",
    "ClusterRole",
    "ClusterRoleBinding",
    "Service",
    "Deployment",
    "ValidatingWebhookConfiguration",
)


def calico_admission_version(manifest: Manifest, settings: Settings) -> None:
    """The manifest's mutating policies are v1beta1, which a cluster that has v1 does not serve by default."""
    if settings.kubernetes is not None and settings.kubernetes < NATIVE_API_SINCE:
        return
    for item in manifest.objects:
        if item["kind"] in _MUTATING:
            item["apiVersion"] = _ADMISSION + "v1"


def calico_webhooks(manifest: Manifest, settings: Settings) -> None:
    """The webhooks refuse everything until they have a certificate: give them one, or leave them out."""
    if manifest.get("Deployment", WEBHOOKS) is None:
        return
    certificate = settings.certificates.get(WEBHOOKS)
    if certificate is None:
        manifest.remove(*((kind, WEBHOOKS) for kind in _WEBHOOK_KINDS))
        return
    configuration = manifest.find("ValidatingWebhookConfiguration", WEBHOOKS)
    for webhook in manifest.value(configuration, "webhooks"):
        webhook["clientConfig"]["caBundle"] = _base64(certificate.certificate)
    namespace = manifest.value(manifest.find("Deployment", WEBHOOKS), "metadata", "namespace")
    manifest.objects.append(_secret(namespace, "calico-webhooks-tls", certificate, "tls", "kubernetes.io/tls"))


def calico_api_server(manifest: Manifest, settings: Settings) -> None:
    """The aggregated API server reads its certificate from a Secret that the manifest leaves to us."""
    deployment = manifest.get("Deployment", API_SERVER)
    if deployment is None:
        return
    certificate = settings.certificates.get(API_SERVER)
    if certificate is None:
        raise FabricError(
            f"the API server in the manifest of calico {manifest.version} needs a certificate",
            fix='pass certificates["calico-apiserver"], or use the manifest of the native API',
        )
    namespace = manifest.value(deployment, "metadata", "namespace")
    service = manifest.find("APIService", "v3.projectcalico.org")
    service["spec"]["caBundle"] = _base64(certificate.certificate)
    manifest.objects.append(_secret(namespace, "calico-apiserver-certs", certificate, "apiserver", "Opaque"))


def _secret(namespace: str, name: str, certificate: Certificate, stem: str, kind: str) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "namespace": namespace},
        "type": kind,
        "data": {f"{stem}.crt": _base64(certificate.certificate), f"{stem}.key": _base64(certificate.key)},
    }


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


PATCHES: tuple[Patch, ...] = (calico_admission_version, calico_webhooks, calico_api_server)
