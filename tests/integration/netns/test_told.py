# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an agent tells of its links, and when it says that it is ready: read from its own pages."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from . import netlab
from .netlab import NODE, SWITCH, Net, wait

pytestmark = [pytest.mark.root, pytest.mark.timeout(300)]

GATEWAY = NODE["e1"]
BETWEEN = "iifname e1 oifname w1"


@pytest.fixture(scope="module")
def net(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Net]:
    for net in netlab.made(tmp_path_factory.mktemp("net")):
        net.join()
        yield net


def restart(net: Net) -> None:
    net.stop_agent(GATEWAY.name)
    net.start_agent(GATEWAY)


def sizes(net: Net) -> dict[str, float]:
    return net.metric(GATEWAY, "fabric_link_size_bytes")


def ready(net: Net) -> bool:
    return net.page(GATEWAY, "/readyz")[0] == 200


def test_a_black_hole_for_large_packets_is_found_and_told_without_an_api_server(net: Net) -> None:
    with net.fault(SWITCH, f"{BETWEEN} meta length > 1460 drop", family="bridge"):
        restart(net)  # a new agent measures at once, a running one twice a minute
        wait(lambda: len(found := sizes(net)) == 2 and all(found.values()), 40)
        found = sizes(net)
        up = net.metric(GATEWAY, "fabric_link_up")
    assert 1300 < found["w1"] < 1420, found
    assert found["w2"] == 1420
    assert up == {"w1": 1, "w2": 1}


def test_an_agent_is_not_ready_as_long_as_a_link_of_its_predecessor_does_not_answer(net: Net) -> None:
    net.start_api(GATEWAY)
    restart(net)
    wait(lambda: ready(net))
    net.stop_agent(GATEWAY.name)
    with net.fault(SWITCH, f"{BETWEEN} drop", family="bridge"):
        net.start_agent(GATEWAY)
        wait(lambda: not ready(net) and net.metric(GATEWAY, "fabric_link_up") == {"w1": 0, "w2": 1})
        end = time.monotonic() + 2.0
        while time.monotonic() < end:
            assert not ready(net)
        assert "fabric_api_connected 1.0" in net.page(GATEWAY, "/metrics")[1]
        assert "fabric_faults 0.0" in net.page(GATEWAY, "/metrics")[1]
    wait(lambda: ready(net))
