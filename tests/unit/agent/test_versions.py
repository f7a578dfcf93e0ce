# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Agents of different versions in one clusterset: a later one's fields are ignored, an earlier one's lack is no fault,
and what both ends derive without talking is never to change.
"""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.clusterset.fabric.plugins.module_utils.objects.crds import crds
from ansible_collections.clusterset.fabric.plugins.module_utils.objects.exported_service import exported_service_crd
from clusterset_agent import names, probe_points
from clusterset_agent.kernel_state import Link, WireguardLink
from clusterset_agent.links import links_of
from clusterset_agent.situation import Situation
from clusterset_agent.sync.export import Export, from_object
from clusterset_agent.sync.gateways import rows_of
from clusterset_agent.target import kernel_state
from clusterset_agent.wanted import Wanted, in_force, parse
from clusterset_agent.ways import Fitness
from tests.unit.agent.samples import ADDRESSES, FABRIC, LOCAL, WEST, gateway

Object = dict[str, Any]
SCHEMAS = {
    each["spec"]["names"]["kind"]: each["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    for each in [*crds(), exported_service_crd()]
}
NEWER = {
    "Fabric": {**FABRIC, "state": "Active", "keyGenerations": [0, 1], "gatewayChoice": {"count": 2}},
    "Peer": {**WEST, "via": ""},
    "TunnelAddress": ADDRESSES["10.248.0.1"],
    "Gateway": {**gateway("w7", 5), "implementation": "kernel"},
    "ExportedService": {
        "namespace": "shop",
        "name": "cart",
        "type": "ClusterSetIP",
        "exportedSince": "2026-01-01T00:00:00Z",
        "ports": [{"name": "web", "protocol": "TCP", "port": 80}],
        "sessionAffinity": "ClientIP",
        "endpoints": [
            {
                "addressType": "IPv4",
                "ports": [{"name": "web", "protocol": "TCP", "port": 8080}],
                "endpoints": [{"addresses": ["10.42.0.7"], "ready": True, "zone": "a"}],
            }
        ],
    },
}


def later(value: Any) -> Any:
    """The same from a later version: every structure has a field more."""
    if isinstance(value, dict):
        return {**{name: later(each) for name, each in value.items()}, "ofTomorrow": {"a": [1]}}
    return [later(each) for each in value] if isinstance(value, list) else value


def earlier(value: Any, schema: Object) -> Any:
    """The same from the first version: no field but those that the definition requires."""
    if isinstance(value, dict) and "properties" in schema:
        required = schema.get("required", ())
        return {name: earlier(value[name], schema["properties"][name]) for name in required}
    if isinstance(value, list) and "properties" in schema.get("items", {}):
        return [earlier(each, schema["items"]) for each in value]
    return value


def understood(objects: Object) -> tuple[Wanted, list[Object], Export]:
    """All that agents read of each other."""
    peer = {"metadata": {"name": "west", "generation": 1}, "spec": objects["Peer"]}
    fabric = {"metadata": {"name": "local", "generation": 1}, "spec": objects["Fabric"], "status": {"ofTomorrow": 1}}
    wanted = parse(in_force(fabric), [in_force(peer)], {"10.248.0.1": objects["TunnelAddress"]})
    assert not wanted.faults
    rows, faults = rows_of(peer, [{"metadata": {"name": "w7"}, "spec": objects["Gateway"]}])
    assert not faults
    return wanted, rows, from_object("west", {"spec": objects["ExportedService"]})


def test_fields_of_a_later_version_are_ignored_everywhere() -> None:
    assert understood({kind: later(spec) for kind, spec in NEWER.items()}) == understood(NEWER)


@pytest.mark.parametrize("kind", sorted(NEWER))
def test_fields_that_the_definitions_do_not_require_may_be_missing(kind: str) -> None:
    wanted, rows, export = understood({**NEWER, kind: earlier(NEWER[kind], SCHEMAS[kind])})
    assert (wanted.fabric.cluster, wanted.peers[0].cluster, export.key) == ("east", "west", ("shop", "cart"))
    assert [row["node"] for row in rows] == ["w7"]
    if kind == "Fabric":  # what was there before gateways, generations and ports were
        assert (wanted.fabric.gateways, wanted.fabric.generations, wanted.fabric.base_port) == ((), (0,), 14800)


def test_a_field_that_agents_cannot_do_without_is_required_by_the_definition() -> None:
    # who makes a field of a running version optional, or a new one required, has to think of the others here
    assert {kind: sorted(SCHEMAS[kind]["required"]) for kind in sorted(SCHEMAS)} == {
        "ExportedService": ["exportedSince", "name", "namespace", "type"],
        "Fabric": ["clusterID", "index", "podCIDRs", "serviceCIDRs", "state", "tunnelCIDR", "underlayMTU"],
        "Gateway": ["endpoint", "implementation", "keys", "node", "ordinal", "tunnelAddress"],
        "Link": ["cost", "driver", "generation", "interface", "node", "number", "peer", "remoteGateway"],
        "Peer": ["clusterID", "gateways", "index", "links", "podCIDRs", "serviceCIDRs", "tunnelCIDR"],
        "TunnelAddress": ["node", "underlayAddress"],
    }


def seen_from(cluster: str) -> Link:
    """The link of east's g2 and west's w2, as one of the two clusters derives it."""
    east_gateways = [{**gateway("g2", 1), "endpoint": "198.51.100.2", "tunnelAddress": "10.248.0.2"}]
    if cluster == "east":
        west = {**WEST, "gateways": [gateway("w2", 3)]}
        wanted = parse(FABRIC, [west], ADDRESSES)
        me = wanted.address_of("g2")
    else:
        own = {
            **FABRIC,
            **{name: WEST[name] for name in ("clusterID", "index", "podCIDRs", "serviceCIDRs", "tunnelCIDR")},
        }
        peer = {
            **WEST,
            **{name: FABRIC[name] for name in ("clusterID", "index", "podCIDRs", "serviceCIDRs", "tunnelCIDR")},
        }
        wanted = parse(
            {**own, "gateways": [{"node": "w2", "ordinal": 3}]},
            [{**peer, "gateways": east_gateways}],
            {"10.248.8.2": {"node": "w2", "underlayAddress": "192.0.2.2"}},
        )
        me = wanted.address_of("w2")
    assert me is not None
    situation = Situation(wanted, me, LOCAL)
    assert kernel_state(situation, Fitness())
    (link,) = links_of(situation)
    return link


def test_what_both_ends_derive_alike_is_as_in_the_first_version() -> None:
    east, west = seen_from("east"), seen_from("west")
    assert isinstance(east, WireguardLink)
    assert isinstance(west, WireguardLink)
    assert (east.listen_port, east.remote_port) == (west.remote_port, west.listen_port) == (14835, 14801)
    assert (east.here, east.there) == (west.there, west.here) == ("10.248.3.196", "10.248.11.204")
    assert (names.link_vni((0, 1), (2, 3)), names.overlay_vni(2)) == (0x1023, 4002)
    assert names.overlay_mac("10.248.8.2") == "0a:fa:0a:f8:08:02"
    assert [names.link_slot(number, generation) for number in (0, 1) for generation in (4, 5)] == [0, 1, 2, 3]
    assert probe_points.beyond("10.248.8.0/22", 3, 1) == "10.248.11.141"
    assert probe_points.anywhere("10.248.8.0/22", 3) == "10.248.11.115"
