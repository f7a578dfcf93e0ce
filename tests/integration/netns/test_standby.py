# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A dedicated line with a VPN as its standby, between the same two clusters: it fails over both ways."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

import pytest

from . import netlab
from .netlab import NODE, WIREGUARD, Net, Topology, wait

pytestmark = [pytest.mark.root, pytest.mark.timeout(300)]

EAST_POD, FAR_POD = NODE["e3"].pod_address, NODE["w3"].pod_address
LINE = {"driver": "direct", "cost": 10, "mtu": 1420}
# on a dedicated line packets travel as they are, so what is not wrapped between the gateways of both clusters
EAST, WEST = "{ e1, e2 }", "{ w1, w2 }"
LINE_IS_CUT = (
    f"iifname {EAST} oifname {WEST} ip saddr 10.0.0.0/8 drop; iifname {WEST} oifname {EAST} ip saddr 10.0.0.0/8 drop"
)


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Net]:
    """Two clusters joined by both."""
    for net in netlab.made(tmp_path_factory.mktemp("net"), Topology(links=(LINE, WIREGUARD))):
        net.join()
        yield net


def by_line(net: Net) -> bool:
    """Whether the traffic from west goes by the dedicated line."""
    return "dev eth0" in net.inside("w1", "ip", "route", "show", "10.41.0.0/16", "proto", "111")


def test_the_dedicated_line_is_used_as_long_as_it_is_well(pair: Net) -> None:
    wait(lambda: by_line(pair))
    assert "dev fab-" not in pair.inside("w1", "ip", "route", "show", "10.41.0.0/16")
    assert pair.connect("e3p", FAR_POD) == EAST_POD


def test_the_standby_takes_over_within_a_second_and_gives_back_without_a_loss(pair: Net) -> None:
    gaps: list[float] = []
    while len(gaps) < 3 and not (gaps and gaps[-1] < 1.0):
        wait(lambda: by_line(pair) and pair.settled())
        with pair.streaming("e3p", FAR_POD) as outcome, contextlib.ExitStack() as cut:
            cut.enter_context(pair.fault("switch", LINE_IS_CUT, family="bridge"))
            time.sleep(1.6)
            repair = cut.pop_all()
        gaps.append(outcome[0].gap)
        with repair:
            assert not by_line(pair)
            assert pair.connect("e3p", FAR_POD) == EAST_POD
        with pair.streaming("e3p", FAR_POD) as healing:
            wait(lambda: by_line(pair), 10)
        assert healing[0].lost == 0
    assert gaps[-1] < 1.0, gaps
