"""How a hub's access provider becomes a reference on this machine."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.clusterset.fabric.plugins.module_utils.errors import FabricError
from ansible_collections.clusterset.fabric.plugins.module_utils.inventory import access
from ansible_collections.clusterset.fabric.plugins.module_utils.inventory.entries import Entry
from tests.unit.inventory.conftest import Write

SERVER = {"server": "https://203.0.113.7:6443", "certificate-authority-data": "QUJD", "insecure-skip-tls-verify": False}
EAST = access.Profile("east", "fleet")


def reach(base: Path, ways: dict[str, Any], providers: dict[str, Any]) -> dict[str, Any]:
    """The reference for the profile fleet/east."""
    entry = Entry({"access": ways, "directory": "made"}, "hub")
    return access.reference(access.read(entry, str(base)), providers, EAST, "hub")


def test_a_kubeconfig_by_name(tmp_path: Path, write: Write) -> None:
    path = write("keys/fleet-east.yaml", {})
    way = {"sso": {"kubeconfig": "keys/{namespace}-{name}.yaml", "context": "admin@{name}"}}
    expected = {"fabric_kubeconfig": str(path), "fabric_context": "admin@east"}
    assert reach(tmp_path, way, {"sso": SERVER}) == expected
    assert reach(tmp_path, {"*": way["sso"]}, {}) == expected


def test_a_missing_kubeconfig_is_named(tmp_path: Path) -> None:
    with pytest.raises(FabricError, match=r"access\.sso\.kubeconfig: no such kubeconfig for fleet/east: .*/east"):
        reach(tmp_path, {"sso": {"kubeconfig": "{name}"}}, {"sso": SERVER})


def test_a_program_gets_the_hubs_public_details(tmp_path: Path) -> None:
    """The written kubeconfig is the owner's alone and holds the server, its authority and the program."""
    way = {"sso": {"exec": {"command": "bin/login", "args": ["--quiet"]}}}
    extension = {"name": "client.authentication.k8s.io/exec", "extension": {"clusterName": "east"}}
    offered = SERVER | {"extensions": [extension], "certificate-authority": "/etc/shadow"}
    own = reach(tmp_path, way, {"sso": offered})
    path = Path(own["fabric_kubeconfig"])
    assert own["fabric_context"] == "east"
    assert path.parent == tmp_path / "made"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    written = json.loads(path.read_text())
    assert written["clusters"][0]["cluster"] == {
        "server": SERVER["server"],
        "certificate-authority-data": "QUJD",
        "extensions": [extension],
    }
    assert written["users"][0]["user"]["exec"] == {
        "apiVersion": "client.authentication.k8s.io/v1",
        "interactiveMode": "Never",
        "provideClusterInfo": True,
        "command": str(tmp_path / "bin/login"),
        "args": ["--quiet"],
    }
    before = path.stat().st_mtime_ns
    assert reach(tmp_path, way, {"sso": offered}) == own
    assert path.stat().st_mtime_ns == before


def test_the_first_way_that_is_offered_wins(tmp_path: Path, write: Write) -> None:
    write("second", {})
    ways = {"*": {"kubeconfig": "any"}, "first": {"kubeconfig": "first"}, "s*": {"kubeconfig": "second"}}
    assert reach(tmp_path, ways, {"sso": SERVER})["fabric_kubeconfig"].endswith("/second")


@pytest.mark.parametrize("server", [{"server": "http://x"}, {}, SERVER | {"insecure-skip-tls-verify": True}])
def test_a_credential_is_not_sent_over_an_unverified_connection(tmp_path: Path, server: dict[str, Any]) -> None:
    with pytest.raises(FabricError, match="unverified connection to east"):
        reach(tmp_path, {"sso": {"exec": {"command": "login"}}}, {"sso": server})


def test_what_is_offered_is_named_where_nothing_fits(tmp_path: Path) -> None:
    with pytest.raises(FabricError, match="fleet/east offers the access providers oidc, sso; none of them is here"):
        reach(tmp_path, {"google": {"exec": {"command": "x"}}}, {"sso": SERVER, "oidc": SERVER})
