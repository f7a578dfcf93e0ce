"""Certificates of Calico's servers: valid for their names, kept from run to run, renewed in time."""

from __future__ import annotations

import base64
import datetime
from typing import Any

import pytest
from cryptography import x509

from ansible_collections.clusterset.fabric.plugins.module_utils.client.types import ClusterRef
from ansible_collections.clusterset.fabric.plugins.module_utils.objects.network_plugin import certificates
from tests.unit.network_plugin.manifests import AGGREGATED, CALICO, NATIVE


class Secrets:
    """A client that has at most one Secret."""

    def __init__(self, secret: dict[str, Any] | None = None) -> None:
        self.ref = ClusterRef(name="east")
        self.secret = secret
        self.paths: list[str] = []

    async def try_get(self, path: str) -> dict[str, Any] | None:
        self.paths.append(path)
        return self.secret


def stored(certificate: str, key: str) -> dict[str, Any]:
    data = {"apiserver.crt": certificate, "apiserver.key": key}
    return {"data": {name: base64.b64encode(text.encode()).decode() for name, text in data.items()}}


async def make(client: Secrets, text: str, **more: bool) -> dict[str, Any]:
    return await certificates.certificates_for(client, text, **more)  # type: ignore[arg-type]


async def test_most_manifests_need_none_and_ask_nothing() -> None:
    client = Secrets()
    assert await make(client, CALICO) == {}
    assert await make(client, CALICO + NATIVE) == {}
    assert client.paths == []


async def test_a_new_one_is_valid_for_the_service() -> None:
    client = Secrets()
    made = (await make(client, CALICO + AGGREGATED))["calico-apiserver"]
    assert client.paths == ["/api/v1/namespaces/calico-apiserver/secrets/calico-apiserver-certs"]
    parsed = x509.load_pem_x509_certificate(made.certificate.encode())
    names = parsed.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert "calico-api.calico-apiserver.svc" in names.get_values_for_type(x509.DNSName)
    left = parsed.not_valid_after_utc - datetime.datetime.now(datetime.UTC)
    assert left > datetime.timedelta(days=3000)
    assert "PRIVATE KEY" in made.key


async def test_the_stored_one_is_kept() -> None:
    first = certificates.new_certificate("calico-api", "calico-apiserver")
    again = await make(Secrets(stored(first.certificate, first.key)), AGGREGATED)
    assert again["calico-apiserver"] == first


async def test_a_damaged_or_old_one_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    first = certificates.new_certificate("calico-api", "calico-apiserver")
    for secret in (stored("no certificate", "x"), stored(first.certificate, ""), {}):
        assert (await make(Secrets(secret), AGGREGATED))["calico-apiserver"] != first
    monkeypatch.setattr(certificates, "RENEW", datetime.timedelta(days=365 * 11))
    assert (await make(Secrets(stored(first.certificate, first.key)), AGGREGATED))["calico-apiserver"] != first


async def test_webhooks_get_one_only_when_wanted() -> None:
    assert set(await make(Secrets(), NATIVE, webhooks=True)) == {"calico-webhooks"}
