# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is dropped in each scenario, from objects as they are; and the pod that drops it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.clusterset.fabric.plugins.module_utils.status import holding, outages, wiring
from ansible_collections.clusterset.fabric.plugins.module_utils.status.outages import Outage
from clusterset_agent import outage as program

FABRIC = {"spec": {"tunnelCIDR": "10.99.4.0/22", "ports": {"vxlan": 14789, "linkVxlan": 14788, "base": 14800}}}


def peer(name: str, number: int) -> dict[str, Any]:
    spec = {
        "podCIDRs": [f"10.{number}.0.0/16", f"fd{number}::/48"],
        "serviceCIDRs": [f"10.1{number}.0.0/16"],
        "tunnelCIDR": f"10.99.{4 * number}.0/22",
        "gateways": [{"node": "g0", "endpoint": f"192.0.2.{number}"}, {"node": "g1", "endpoint": ""}],
    }
    return {"metadata": {"name": name}, "spec": spec}


def link(node: str, peer: str, driver: str, port: int, **more: Any) -> dict[str, Any]:
    spec = {"node": node, "peer": peer, "remoteGateway": "g0", "driver": driver, "number": 0, **more}
    return {"spec": {**spec, **({"port": port} if port else {})}, "status": {"state": "Up"}}


def wired(*links: dict[str, Any]) -> wiring.Wiring:
    return wiring.parse(FABRIC, [peer("east", 41), peer("north", 43)], list(links))


FOREIGN = ("10.41.0.0/16", "10.141.0.0/16", "10.99.164.0/22", "10.43.0.0/16", "10.143.0.0/16", "10.99.172.0/22")


def test_a_black_hole_forwards_nothing_of_the_clusterset() -> None:
    assert outages.black_hole(wired(), "a", 9) == Outage("a", 9, forwarded=("10.99.4.0/22", *FOREIGN))


def test_a_cut_gateway_loses_its_overlay_and_its_own_links_only() -> None:
    own = [link("a", "east", "wireguard", 14816), link("a", "north", "vxlan", 14788)]
    assert outages.cut_off(wired(*own, link("b", "east", "wireguard", 14817)), "a", 9) == Outage(
        "a", 9, ports=(14788, 14789, 14816)
    )


def test_a_dedicated_line_is_cut_by_what_it_carries() -> None:
    found = outages.cut_off(wired(link("a", "east", "direct", 0)), "a", 9)
    assert found.cut == FOREIGN
    assert outages.cuttable(wired(link("a", "east", "direct", 0)), "a") == []


def test_one_link_is_cut_with_its_generations_and_without_its_neighbours() -> None:
    links = [
        link("a", "east", "wireguard", 14816),
        link("a", "east", "wireguard", 18912, generation=1),
        link("a", "east", "wireguard", 23008, number=1),
        link("a", "north", "wireguard", 14848),
    ]
    wires = wired(*links)
    assert outages.cut_link(wires, wires.wires[0], 9) == Outage("a", 9, ports=(14816, 18912))


def test_a_vxlan_link_is_told_by_its_other_end() -> None:
    wires = wired(link("a", "east", "vxlan", 14788))
    assert outages.cut_link(wires, wires.wires[0], 9) == Outage("a", 9, ports=(14788,), remotes=("192.0.2.41",))


def test_only_links_in_use_with_packets_of_their_own_are_cut() -> None:
    down = {**link("a", "east", "wireguard", 14816), "status": {"state": "Down"}}
    standby = {**link("a", "east", "wireguard", 14817), "status": {"state": "Up", "carrying": False}}
    nameless = link("a", "east", "vxlan", 14788, remoteGateway="g1")
    good = link("a", "north", "wireguard", 14848)
    found = outages.cuttable(wired(down, standby, nameless, good, link("b", "east", "wireguard", 14816)), "a")
    assert [wire.label for wire in found] == ["a - north/g0"]


@pytest.mark.parametrize(
    "outage",
    [
        outages.black_hole(wired(), "a", 9),
        outages.cut_off(wired(link("a", "east", "direct", 0)), "a", 60),
        Outage("a", 9, ports=(14788,), remotes=("192.0.2.41",)),
    ],
)
def test_the_agents_half_understands_the_command_line(outage: Outage) -> None:
    understood = program.parse(outage.arguments)
    assert understood == program.Outage(outage.seconds, outage.forwarded, outage.cut, outage.ports, outage.remotes)
    assert outages.TABLE == program.TABLE


def test_the_pod_has_the_nodes_network_one_capability_and_nothing_else() -> None:
    pod = outages.pod(Outage("a", 9, ports=(14789,)), "fabric-rehearse-1", image="i")
    spec, container = pod["spec"], pod["spec"]["containers"][0]
    assert spec["nodeName"] == "a"
    assert spec["hostNetwork"] is True
    assert not {"hostPID", "hostIPC", "volumes"} & set(spec)
    assert spec["automountServiceAccountToken"] is False
    assert spec["activeDeadlineSeconds"] > 9
    security = container["securityContext"]
    assert security["capabilities"] == {"drop": ["ALL"], "add": ["NET_ADMIN"]}
    assert security["privileged"] is False
    assert security["allowPrivilegeEscalation"] is False
    assert security["readOnlyRootFilesystem"] is True
    assert outages.pod(Outage("a", 9), "n", image="i")["metadata"]["name"] != pod["metadata"]["name"]


def test_the_last_words_of_the_pod_are_read() -> None:
    def ended(message: str) -> dict[str, Any]:
        status = {"state": {"terminated": {"message": message}}}
        return {"status": {"phase": "Succeeded", "containerStatuses": [status]}}

    assert holding.last_words(ended(json.dumps({"dropped": 17}))) == {"dropped": 17}
    assert holding.last_words(ended("nonsense")) == {}
    assert holding.last_words({"status": {"phase": "Running"}}) == {}
    assert holding.ended(ended(""))
    assert not holding.ended({"status": {"phase": "Running"}})
