# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verifier program between real namespaces: it must see each fault, and none where there is none."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest

from .conftest import ASK, Net

pytestmark = pytest.mark.root
QUICK: dict[str, Any] = {"try_seconds": 1.0, "tries": 2, "bulk_seconds": 1.0, "connections": 40}


@pytest.mark.parametrize("address", ["10.77.2.2", "fd77:2::2"])
def test_a_good_path_is_good_in_every_check(net: Net, address: str) -> None:
    found = net.check(address)
    assert list(found) == ["icmp", "tcp", "udp", "source", "large", "bulk", "connections"]
    assert {check["state"] for check in found.values()} == {"ok"}, found
    assert found["connections"]["value"] == 200
    assert 0 < found["icmp"]["value"] < 1000
    assert found["bulk"]["value"] > 0


def test_an_address_where_nothing_is_fails_everywhere(net: Net) -> None:
    found = net.check("10.77.2.99", **QUICK)
    assert [found[name]["state"] for name in ("icmp", "tcp", "udp")] == ["failed"] * 3
    assert [found[name]["state"] for name in ("source", "large", "bulk", "connections")] == ["skipped"] * 4


def test_a_masqueraded_path_names_what_the_receiver_saw(net: Net) -> None:
    net.nft("table ip t { chain c { type nat hook postrouting priority 100; oifname right masquerade; }; }")
    found = net.check(**QUICK)
    assert found["tcp"]["state"] == "ok"
    assert found["source"]["state"] == "failed"
    assert found["source"]["seen"] == ["10.77.2.1"]
    assert "10.77.1.2" in found["source"]["reason"]


def test_a_path_that_swallows_large_packets_fails_large_and_bulk_only(net: Net) -> None:
    net.nft("table ip t { chain c { type filter hook forward priority 0; meta length > 1000 drop; }; }")
    found = net.check(**QUICK)
    failed = {name for name, check in found.items() if check["state"] == "failed"}
    assert failed == {"large", "bulk"}
    assert "to the target" in found["bulk"]["reason"]


def test_blocked_icmp_fails_icmp_only(net: Net) -> None:
    net.nft("table ip t { chain c { type filter hook forward priority 0; ip protocol icmp drop; }; }")
    found = net.check(**QUICK)
    assert {name for name, check in found.items() if check["state"] == "failed"} == {"icmp"}


def test_lost_connections_are_counted(net: Net) -> None:
    rule = "tcp flags & (syn | ack) == syn ct state new numgen inc mod 4 == 0 drop"
    net.nft(f"table ip t {{ chain c {{ type filter hook forward priority 0; {rule}; }}; }}")
    found = net.check(checks=["connections"], **QUICK)
    assert found["connections"]["state"] == "failed"
    assert "of 40 failed" in found["connections"]["reason"]
    assert found["connections"]["value"] < 40


def test_the_wrong_pod_behind_an_address_is_named(net: Net) -> None:
    found = net.check(expect="east/worker", **QUICK)
    assert found["tcp"]["state"] == "failed"
    assert "answered by right, not by east/worker" in found["tcp"]["reason"]


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        ({"token": "guess", "targets": []}, "403"),
        ({"token": "run-token", "targets": [{"name": "x", "address": "no address"}]}, "422"),
        ({"token": "run-token", "options": {"bulk_bytes": 10**9}}, "422"),
        ({"token": "run-token", "options": {"checks": ["magic"]}}, "422"),
        ([], "400"),
    ],
)
def test_bad_requests_are_refused(net: Net, request_: object, status: str) -> None:
    with pytest.raises(AssertionError, match=f"HTTP Error {status}"):
        net.run("left", sys.executable, "-c", ASK, text=json.dumps(request_))


def test_names_are_resolved_by_the_system(net: Net) -> None:
    request = {"token": "run-token", "names": ["localhost", "no..name"]}
    good, bad = json.loads(net.run("left", sys.executable, "-c", ASK, text=json.dumps(request)))["names"]
    assert good["ok"]
    assert "127.0.0.1" in good["addresses"]
    assert not bad["ok"]
    assert "no valid name" in bad["reason"]
