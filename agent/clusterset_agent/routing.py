# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Routes: what the kernel holds against what it should hold."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from .devices import UP
from .families import IPV6, family_of
from .kernel_state import Hop, Route
from .names import PROTOCOL

MAIN_TABLE, LOCAL_TABLE = 254, 255
_ONLINK = 4
_DEAD = 1 | 16
"""Flags of a hop whose device is gone or without carrier."""
_CLONED = 0x200
"""Flag of what the kernel has learnt about a route (a path's MTU): IPv6 lists it as if it were a route of ours."""
_SCOPE_LINK = 253
_SCOPE_HOST = 254
_SCOPE_NOWHERE = 255
_SCOPE_UNIVERSE = 0
_TYPE_LOCAL, _TYPE_BLACKHOLE = "local", "blackhole"
_BLACKHOLE = 6
_TABLES = ((socket.AF_INET, MAIN_TABLE), (socket.AF_INET, LOCAL_TABLE), (socket.AF_INET6, MAIN_TABLE))


class Routing:
    """The routes of our protocol number in the main and the local table; it never touches another's."""

    def __init__(self, netlink: Any) -> None:
        self._netlink = netlink

    def converge(self, wanted: Iterable[Route], devices: Mapping[str, int]) -> list[str]:
        """Make the kernel's routes equal to ``wanted``; return what had to be changed.

        :param devices: index of each network device that is up, by name; ways over others wait until they are.
        """
        names = {index: name for name, index in devices.items()}
        present = self.present(names)
        changes: list[str] = []
        possible = {
            route.destination: route
            for route in (_possible(r, devices) for r in wanted)
            if route.hops or route.blackhole
        }
        for destination, route in possible.items():
            if present.get(destination) != route:
                self.replace(route, devices)
                changes.append(f"route {destination} {_text(route)}")
        for destination in present.keys() - possible.keys():
            self._delete(present[destination])
            changes.append(f"route {destination} deleted")
        return changes

    def present(self, names: Mapping[int, str]) -> dict[str, Route]:
        """Return our routes in the kernel by destination; hops that are out of order are left out."""
        found: dict[str, Route] = {}
        for family, table in _TABLES:
            for message in self._netlink.get_routes(family=family, table=table, proto=PROTOCOL):
                if message["family"] == family and not message["flags"] & _CLONED:
                    route = _decode(message, names, local=table == LOCAL_TABLE)
                    found[route.destination] = route
        return found

    def replace(self, route: Route, devices: Mapping[str, int]) -> None:
        """Put one route in place, at once and without a gap."""
        if route.blackhole:
            self._netlink.route("replace", dst=route.destination, proto=PROTOCOL, type=_TYPE_BLACKHOLE)
            return
        body: dict[str, Any] = {"dst": route.destination, "proto": PROTOCOL, "prefsrc": route.source}
        if family_of(route.destination) == IPV6:
            body["family"] = socket.AF_INET6  # which knows no scopes of routes
        else:
            body["scope"] = _SCOPE_UNIVERSE if any(hop.via for hop in route.hops) else _SCOPE_LINK
        if route.local:
            body |= {"table": LOCAL_TABLE, "type": _TYPE_LOCAL, "scope": _SCOPE_HOST}
        hops = [_encode(hop, devices) for hop in route.hops]
        self._netlink.route("replace", **body, **(hops[0] if len(hops) == 1 else {"multipath": hops}))

    def replace_known(self, routes: Iterable[Route]) -> None:
        """Put routes in place whose devices are all up; the others wait for the next full pass."""
        links = [link for link in self._netlink.get_links() if link["flags"] & UP]
        devices = {link.get_attr("IFLA_IFNAME"): link["index"] for link in links}
        for route in routes:
            if all(hop.device in devices for hop in route.hops):
                self.replace(route, devices)

    def _delete(self, route: Route) -> None:
        # without the scope "nowhere" the kernel would look for an IPv4 route of scope "universe" only
        six = family_of(route.destination) == IPV6
        place: dict[str, Any] = {"family": socket.AF_INET6} if six else {"scope": _SCOPE_NOWHERE}
        if route.local:
            place |= {"table": LOCAL_TABLE, "type": _TYPE_LOCAL}
        if route.blackhole:
            place |= {"type": _TYPE_BLACKHOLE}
        self._netlink.route("del", dst=route.destination, proto=PROTOCOL, **place)


def transport_devices(netlink: Any, pods: Iterable[str], names: Mapping[int, str]) -> set[str]:
    """Return the devices over which this node's routes reach other nodes' pods through a next hop."""
    devices: set[str] = set()
    for family, kind in ((socket.AF_INET, ipaddress.IPv4Network), (socket.AF_INET6, ipaddress.IPv6Network)):
        networks = [network for network in map(ipaddress.ip_network, pods) if isinstance(network, kind)]
        for message in netlink.get_routes(family=family, table=MAIN_TABLE) if networks else ():
            destination, gateway, device = (message.get_attr(name) for name in ("RTA_DST", "RTA_GATEWAY", "RTA_OIF"))
            if not destination or not gateway or message["proto"] == PROTOCOL:
                continue
            network = kind(f"{destination}/{message['dst_len']}")
            if any(network.subnet_of(each) for each in networks):  # type: ignore[arg-type]
                devices.add(names.get(device, ""))
    return devices - {""}


def _possible(route: Route, devices: Mapping[str, int]) -> Route:
    return replace(route, hops=tuple(hop for hop in route.hops if hop.device in devices))


def _encode(hop: Hop, devices: Mapping[str, int]) -> dict[str, Any]:
    if not hop.via:
        return {"oif": devices[hop.device]}
    # a link-local next hop is on its link anyway
    onlink = {} if hop.via.startswith("fe80:") else {"flags": _ONLINK}
    return {"oif": devices[hop.device], "gateway": hop.via, **onlink}


def _decode(message: Any, names: Mapping[int, str], *, local: bool) -> Route:
    destination = f"{message.get_attr('RTA_DST')}/{message['dst_len']}"
    if message["type"] == _BLACKHOLE:
        return Route(destination, (), "", blackhole=True)
    multipath = message.get_attr("RTA_MULTIPATH")
    hops: list[Hop] = []
    if multipath:
        for row in multipath:
            if not row["flags"] & _DEAD:
                hops.append(Hop(names.get(row["oif"], "?"), row.get_attr("RTA_GATEWAY") or ""))
    elif not message["flags"] & _DEAD:
        hops.append(Hop(names.get(message.get_attr("RTA_OIF"), "?"), message.get_attr("RTA_GATEWAY") or ""))
    return Route(destination, tuple(sorted(hops)), message.get_attr("RTA_PREFSRC") or "", local)


def _text(route: Route) -> str:
    if route.blackhole:
        return _TYPE_BLACKHOLE
    return ", ".join(f"via {hop.via} dev {hop.device}" if hop.via else f"dev {hop.device}" for hop in route.hops)
