"""What is refused as a secret, and what is not."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.clusterset.fabric.plugins.module_utils.errors import FabricError
from ansible_collections.clusterset.fabric.plugins.module_utils.inventory.secrets import refuse_secrets
from tests.unit.inventory.samples import kubeconfig

REFUSED: dict[str, Any] = {
    "token": "abc",
    "fabricToken": "abc",
    "ansible_password": "abc",
    "fabric_secret": {"value": "abc"},
    "api_key": "abc",
    "client-key": "abc",
    "pin_passphrase": 1234,
    "tokens_and_token": ["abc"],
    "a": [{"b": {"password": "abc"}}],
    "pem": "LS0tLS1CRUdJTiBDRVJU",
    "bootstrap": "abcdef.0123456789abcdef",
    "openshift": "sha256~" + "a" * 43,
    "proxy": "http://user:abc@proxy:3128",
    "text": "client-key-data: abc",
    "whole": kubeconfig("a"),
}
ACCEPTED: dict[str, Any] = {
    "token": "{{ lookup('ansible.builtin.env', 'TOKEN') }}",
    "token_file": "/run/token",
    "secret_name": "peer",
    "api_key": "",
    "password": None,
    "automount_token": False,
    "token_ttl": 600,
    "fabric_pod_cidrs": ["10.1.0.0/16"],
    "fabric_gateway_endpoints": {"n1": "203.0.113.1"},
    "monkey": "banana",
    "url": "https://user@host/path:1@x",
    "digest": "sha256:" + "a" * 64,
    "public_key": "kT1tPVuxR0oKqZq0S1bqVJm0hSxv0n0n0n0n0n0n0n0=",
    "owner": {"user": "alice"},
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str) -> None:
    with pytest.raises(FabricError) as caught:
        refuse_secrets({name: REFUSED[name]}, "variables.x")
    assert f"variables.x.{name}" in str(caught.value)
    assert "Fix: " in str(caught.value)
    assert "abc" not in caught.value.message


@pytest.mark.parametrize("name", ACCEPTED)
def test_accepted(name: str) -> None:
    refuse_secrets({name: ACCEPTED[name]}, "variables.x")
