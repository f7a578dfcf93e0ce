# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is told of a link: new states at once, numbers seldom, keys never."""

from __future__ import annotations

from dataclasses import replace

from clusterset_agent.drivers.base import Traffic
from clusterset_agent.drivers.wireguard import parse_dump
from clusterset_agent.kernel_state import DirectLink, WireguardLink
from clusterset_agent.link_report import LinkReport, report, worth_writing
from clusterset_agent.liveness import Liveness

COMMON = {"peer": "west", "remote_node": "w1", "cost": 100, "here": "10.248.3.193", "there": "10.248.11.193"}
LINK = WireguardLink(
    driver="wireguard",
    name="fab-00000001",
    number=0,
    generation=1,
    mtu=1420,
    public_key="PUB=",
    endpoint="192.0.2.1",
    remote_port=14801,
    listen_port=14832,
    allowed=(),
    **COMMON,  # type: ignore[arg-type]
)
DUMP = (
    "fab-00000001\tPRIVATE=\tOWN=\t14832\toff\n"
    "fab-00000001\tPUB=\t(none)\t192.0.2.1:14801\t10.42.0.0/16,10.248.8.0/22\t1700000000\t120\t240\t5\n"
    "wg0\tFOREIGN=\tOTHER=\t51820\toff\n"
)


def of(way: Liveness | None, before: LinkReport | None = None, now: float = 1700000100.0, size: int = 0) -> LinkReport:
    traffic = Traffic(120, 240, 1700000000)
    return report(LINK, way, traffic, before, now, forwards=True, carrying=True, size=size)


def test_the_dump_is_read_without_its_private_keys_and_without_foreign_interfaces() -> None:
    states = parse_dump(DUMP)
    assert list(states) == ["fab-00000001"]
    assert "PRIVATE" not in repr(states)
    peer = states["fab-00000001"].peers["PUB="]
    assert (peer.handshake, peer.received, peer.sent, peer.keepalive) == (1700000000, 120, 240, 5)
    assert peer.allowed == {"10.42.0.0/16", "10.248.8.0/22"}


def test_states_in_words() -> None:
    assert [of(way).state for way in (None, Liveness(), Liveness(up=True), Liveness(up=False))] == [
        "Connecting",
        "Connecting",
        "Up",
        "Down",
    ]


def test_since_is_kept_as_long_as_the_state_holds() -> None:
    first = of(Liveness(up=True))
    assert of(Liveness(up=True), first, first.now + 60).since == first.since
    assert of(Liveness(up=False), first, first.now + 60).since == first.now + 60


def test_a_status_as_the_api_takes_it() -> None:
    status = of(Liveness(up=True, round_trip=0.01234)).status()
    assert status["roundTripMilliseconds"] == 12.34
    assert status["lastHandshake"] == "2023-11-14T22:13:20Z"
    assert of(Liveness(up=False, round_trip=0.01)).status()["roundTripMilliseconds"] is None


def test_new_states_are_written_at_once_and_numbers_seldom() -> None:
    old = of(Liveness(up=True, round_trip=0.01))
    assert worth_writing(None, old)
    assert worth_writing(old, replace(old, state="Down"))
    assert not worth_writing(old, replace(old, traffic=Traffic(received=10**6, handshake=1700000000), now=old.now + 5))
    assert worth_writing(old, replace(old, traffic=Traffic(received=10**6, handshake=1700000000), now=old.now + 31))
    assert not worth_writing(old, replace(old, round_trip=0.012, now=old.now + 20))
    assert worth_writing(old, replace(old, round_trip=0.03, now=old.now + 20))
    assert worth_writing(old, replace(old, carrying=False))


def test_what_a_person_should_know_is_said() -> None:
    assert of(Liveness(up=True), size=1420).message == ""
    assert "above 1300 bytes are lost" in of(Liveness(up=True), size=1300).message
    swallowing = replace(of(Liveness(up=True)), forwards=False)
    assert "does not forward" in swallowing.message


def test_each_link_of_a_pair_of_gateways_has_an_object_of_its_own() -> None:
    line = DirectLink(
        driver="direct",
        name="fab-00000002",
        number=1,
        generation=0,
        mtu=1500,
        device="eth0",
        next_hop="192.0.2.1",
        **COMMON,  # type: ignore[arg-type]
    )
    first = of(Liveness(up=True))
    other = replace(first, link=line)
    assert (first.object_name("g1"), other.object_name("g1")) == ("g1.west.w1.1", "g1.west.w1.2")
    assert first.spec("g1")["port"] == 14832
    assert "port" not in other.spec("g1")
    assert other.spec("g1")["interface"] == "eth0"
