# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates for the servers that some Calico manifests bring: kept from run to run, made where there are none."""

from __future__ import annotations

import base64
import datetime
from typing import Any, cast

from ...client.client import Client
from ...client.types import Object
from ...errors import FabricError
from ...facts.documents import mappings
from ...facts.raw import dig, name_of
from .calico_api import API_SERVER, WEBHOOKS
from .manifest import Certificate

try:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID
except ImportError:  # ansible-core requires it; only a bare import check is without
    x509 = None  # type: ignore[assignment]

YEARS = 10
RENEW = datetime.timedelta(days=90)
# Server -> namespace, its Service, its Secret, stem of the Secret's keys.
_SERVERS = {
    API_SERVER: ("calico-apiserver", "calico-api", "calico-apiserver-certs", "apiserver"),
    WEBHOOKS: ("kube-system", "calico-webhooks", "calico-webhooks-tls", "tls"),
}


async def certificates_for(client: Client, manifest_text: str, *, webhooks: bool = False) -> dict[str, Certificate]:
    """Certificates that the manifest's servers need: those in the cluster, or new ones that expire in ten years.

    :param manifest_text: as loaded. :param webhooks: whether Calico's webhooks are wanted at all.
    """
    wanted = [name for name in _SERVERS if _serves(manifest_text, name) and (webhooks or name != WEBHOOKS)]
    if wanted and x509 is None:
        raise FabricError("the Python package cryptography is missing", fix="pip install cryptography")
    found: dict[str, Certificate] = {}
    for name in wanted:
        namespace, service, secret, stem = _SERVERS[name]
        stored = await client.try_get(f"/api/v1/namespaces/{namespace}/secrets/{secret}")
        found[name] = _kept(stored or {}, stem) or new_certificate(service, namespace)
    return found


def _serves(manifest_text: str, name: str) -> bool:
    """Whether the manifest brings this server; most do not even hold its name, and need not be parsed for it."""
    if name not in manifest_text:
        return False
    return any(item.get("kind") == "Deployment" and name_of(item) == name for item in mappings(manifest_text))


def _kept(secret: Object, stem: str) -> Certificate | None:
    """What the cluster has, unless it is damaged or expires soon."""
    try:
        certificate, key = (
            base64.b64decode(dig(secret, "data", f"{stem}.{end}") or "").decode() for end in ("crt", "key")
        )
        expires = _expiry(x509.load_pem_x509_certificate(certificate.encode()))
    except ValueError:
        return None
    late = datetime.datetime.now(datetime.UTC) + RENEW
    return Certificate(certificate, key) if key and expires > late else None


def _expiry(certificate: Any) -> datetime.datetime:
    """End of validity; cryptography before 42 tells it without a time zone only."""
    if hasattr(certificate, "not_valid_after_utc"):
        return cast(datetime.datetime, certificate.not_valid_after_utc)
    return cast(datetime.datetime, certificate.not_valid_after).replace(tzinfo=datetime.UTC)


def new_certificate(service: str, namespace: str) -> Certificate:
    """A self-signed certificate for a Service's names."""
    key = ec.generate_private_key(ec.SECP256R1())
    host = f"{service}.{namespace}.svc"
    subject: Any = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host[:64])])
    now = datetime.datetime.now(datetime.UTC)
    names = [x509.DNSName(name) for name in (host, f"{host}.cluster.local", f"{service}.{namespace}", service)]
    signed = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))  # clocks differ
        .not_valid_after(now + datetime.timedelta(days=365 * YEARS))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return Certificate(signed.public_bytes(serialization.Encoding.PEM).decode(), private.decode())
