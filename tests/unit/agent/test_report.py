# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is told of a link: new states at once, numbers seldom, keys never."""

from __future__ import annotations

from dataclasses import replace

from clusterset_agent.kernel_state import WireguardLink
from clusterset_agent.link_report import LinkReport, report, worth_writing
from clusterset_agent.liveness import Liveness
from clusterset_agent.wireguard import parse_dump

LINK = WireguardLink("wgf-00000001", "west", "w1", "10.248.8.1", "PUB=", "192.0.2.1", 14801, 14832, (), 1420)
DUMP = (
    "wgf-00000001\tPRIVATE=\tOWN=\t14832\toff\n"
    "wgf-00000001\tPUB=\t(none)\t192.0.2.1:14801\t10.42.0.0/16,10.248.8.0/22\t1700000000\t120\t240\t5\n"
    "wg0\tFOREIGN=\tOTHER=\t51820\toff\n"
)


def of(way: Liveness | None, before: LinkReport | None = None, now: float = 1700000100.0) -> LinkReport:
    return report(LINK, way, parse_dump(DUMP).get(LINK.name), before, now)


def test_the_dump_is_read_without_its_private_keys_and_without_foreign_interfaces() -> None:
    states = parse_dump(DUMP)
    assert list(states) == ["wgf-00000001"]
    assert "PRIVATE" not in repr(states)
    peer = states["wgf-00000001"].peers["PUB="]
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
    assert not worth_writing(old, replace(old, received=10**6, now=old.now + 5))
    assert worth_writing(old, replace(old, received=10**6, now=old.now + 31))
    assert not worth_writing(old, replace(old, round_trip=0.012, now=old.now + 20))
    assert worth_writing(old, replace(old, round_trip=0.03, now=old.now + 20))
