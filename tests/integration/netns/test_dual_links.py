# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""IPv6 over links that do not encrypt, and so let every source pass."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from . import netlab
from .dual import add_ipv6, pod6, settled6
from .netlab import NODE, STREAM, Net, Topology, wait

pytestmark = [pytest.mark.root, pytest.mark.timeout(300)]

EAST_POD, WEST_POD, FAR_POD = (pod6(NODE[name]) for name in ("e3", "w1", "w3"))
VXLAN = {"driver": "vxlan", "cost": 100, "mtu": 1450}


@pytest.fixture(scope="module")
def unwrapped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Net]:
    """Two dual-stack clusters joined by vxlan."""
    for net in netlab.made(tmp_path_factory.mktemp("net"), Topology(links=(VXLAN,))):
        add_ipv6(net, "east", "west")
        net.join()
        yield net


def test_links_without_encryption_carry_it_too_and_do_not_open_the_nodes(unwrapped: Net) -> None:
    wait(lambda: settled6(unwrapped))
    unwrapped.spawn("e1", sys.executable, STREAM, "serve")
    for pod in (WEST_POD, FAR_POD):
        assert unwrapped.connect("e3p", pod) == EAST_POD
        assert unwrapped.segment("e3p", pod) <= VXLAN["mtu"]
    for node in ("e1", "w1"):
        unwrapped.stop_agent(node)  # which would put the tables back
    device, address = link_local(unwrapped, "e1", "w1")
    attack = (sys.executable, STREAM, "connect", f"{address}%{device}", "1")
    unwrapped.inside("w1", "nft", "delete", "table", "ip6", "clusterset_fabric")
    assert unwrapped.inside("w1", *attack).strip() == "-"
    unwrapped.inside("e1", "nft", "delete", "table", "ip6", "clusterset_fabric")
    wait(lambda: unwrapped.inside("w1", *attack).startswith("fe80:"), 10)


def link_local(net: Net, here: str, there: str) -> tuple[str, str]:
    """The device of the link of ``there`` to ``here``, and the link-local address that ``here`` has on it."""
    rows = net.inside(there, "ip", "-6", "neigh", "show", "nud", "permanent").splitlines()
    own = net.inside(here, "ip", "-o", "-6", "addr", "show", "scope", "link")
    return next((row.split()[2], row.split()[0]) for row in rows if f" {row.split()[0]}/" in own)
