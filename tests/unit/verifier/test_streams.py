# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Streams between real namespaces: a quiet way loses nothing, a cut one shows its gap, a lasting cut ends TCP."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from clusterset_agent.verifier import wire

from .conftest import TOKEN, Net

pytestmark = pytest.mark.root
ASK = """
import sys, urllib.request
request = urllib.request.Request("http://127.0.0.1:8080/stream/" + sys.argv[1], data=sys.stdin.buffer.read())
print(urllib.request.urlopen(request, timeout=50).read().decode())
"""
DROP = "table ip t { chain c { type filter hook forward priority 0; drop; }; }"
TARGET = {"name": "t", "address": "10.77.2.2", "expect": "right"}


@pytest.fixture(autouse=True)
def _fresh(net: Net) -> None:
    """Streams of the test before would go on under their id."""
    ask(net, "start", id="none")


def ask(net: Net, what: str, **request: Any) -> dict[str, Any]:
    text = json.dumps({"token": TOKEN, "id": "one", **request})
    answer: dict[str, Any] = json.loads(net.run("left", sys.executable, "-c", ASK, what, text=text))
    return answer


def collected(net: Net) -> dict[str, Any]:
    found: dict[str, Any] = ask(net, "collect")["streams"][0]
    return found


def test_a_quiet_way_loses_nothing(net: Net) -> None:
    ask(net, "start", targets=[TARGET, {**TARGET, "name": "again"}], settings={"flows": 2})
    time.sleep(1.5)
    found = ask(net, "collect")["streams"]
    assert [each["name"] for each in found] == ["t", "again"]
    for each in found:
        assert each["sent"] >= 80
        assert each["lost"] == 0
        assert each["seen"] == [each["own"]] == ["10.77.1.2"]
        assert each["survived"], each
        assert 5 < each["gap"] < 500 + each["late"]


def test_a_cut_in_the_middle_is_a_gap_that_tcp_survives(net: Net) -> None:
    ask(net, "start", targets=[TARGET], settings={"flows": 1})
    time.sleep(0.6)
    net.nft(DROP)
    time.sleep(0.5)
    net.run("middle", "nft", "flush", "ruleset")
    time.sleep(1.5)
    found = collected(net)
    assert 8 < found["lost"] < found["sent"]
    assert 400 < found["gap"] < 1500
    assert found["stall"] > 400
    assert found["survived"], found


def test_a_way_that_stays_cut_is_lost_to_its_end_and_so_is_tcp(net: Net) -> None:
    net.nft(DROP)
    ask(net, "start", targets=[TARGET], settings={"flows": 1, "seconds": 1.0})
    time.sleep(1.2)
    found = collected(net)
    assert found["lost"] == found["sent"] >= 30
    assert found["gap"] > 900
    assert not found["survived"]
    assert "no answer" in found["reason"]


def test_starting_again_with_the_same_id_goes_on_and_with_another_begins_anew(net: Net) -> None:
    # later ones end by themselves before they have sent this much, however long a busy machine takes to collect them
    most, short = 25, {"flows": 1, "seconds": 0.2}
    later = [{**TARGET, "name": "later"}]
    ask(net, "start", targets=[TARGET], settings={"flows": 1})
    time.sleep(0.7)
    ask(net, "start", targets=later, settings=short)
    found = collected(net)
    assert found["name"] == "t"
    assert found["sent"] > most
    ask(net, "start", targets=later, settings=short, id="two")
    with pytest.raises(AssertionError, match="HTTP Error 404"):
        ask(net, "collect")
    (found,) = ask(net, "collect", id="two")["streams"]
    assert found["name"] == "later"
    assert found["sent"] < most


@pytest.mark.parametrize(
    ("what", "request_", "status"),
    [
        ("start", {"token": "guess"}, "403"),
        ("start", {"settings": {"flows": 100}}, "422"),
        ("start", {"settings": {"seconds": 10**6}}, "422"),
        ("start", {"settings": {"magic": 1}}, "422"),
        ("start", {"targets": [{"name": "x", "address": "no address"}]}, "422"),
        ("collect", {"id": "never begun"}, "404"),
    ],
)
def test_bad_requests_are_refused(net: Net, what: str, request_: dict[str, Any], status: str) -> None:
    with pytest.raises(AssertionError, match=f"HTTP Error {status}"):
        ask(net, what, **request_)


def test_what_a_pod_had_no_room_for_is_told(tmp_path: Path) -> None:
    (tmp_path / "net").mkdir()
    (tmp_path / "net/snmp").write_text(
        "Icmp: InMsgs\nIcmp: 9\nUdp: InDatagrams NoPorts InErrors OutDatagrams RcvbufErrors\nUdp: 1 2 3 4 5\n"
    )
    assert wire.unread(tmp_path) == 5
    (tmp_path / "net/snmp6").write_text("Ip6InReceives \t 8\nUdp6RcvbufErrors \t 7\nUdpLite6RcvbufErrors \t 6\n")
    assert wire.unread(tmp_path) == 12


def test_a_pod_that_stood_still_sends_no_burst_and_says_what_it_did_not_read(net: Net) -> None:
    ask(net, "start", targets=[TARGET], settings={"flows": 1})
    time.sleep(0.5)
    net.freeze("left", 1.0)
    time.sleep(0.3)
    found = collected(net)
    assert found["late"] > 900
    assert found["sent"] < 130, "a hundred datagrams that were due while it stood still are not sent"
    assert (found["lost"], found["unread"]) == (0, 0)
