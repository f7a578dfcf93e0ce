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
from .kernel_state import Hop, Route
from .names import PROTOCOL

MAIN_TABLE, LOCAL_TABLE = 254, 255
_ONLINK = 4
_DEAD = 1 | 16
"""Flags of a hop whose device is gone or without carrier."""
_SCOPE_LINK = 253
_SCOPE_HOST = 254
_SCOPE_NOWHERE = 255
_SCOPE_UNIVERSE = 0
_TYPE_LOCAL = "local"


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
        possible = {route.destination: route for route in (_possible(r, devices) for r in wanted) if route.hops}
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
        for table in (MAIN_TABLE, LOCAL_TABLE):
            for message in self._netlink.get_routes(family=socket.AF_INET, table=table, proto=PROTOCOL):
                route = _decode(message, names, local=table == LOCAL_TABLE)
                found[route.destination] = route
        return found

    def replace(self, route: Route, devices: Mapping[str, int]) -> None:
        """Put one route in place, at once and without a gap."""
        scope = _SCOPE_UNIVERSE if any(hop.via for hop in route.hops) else _SCOPE_LINK
        body: dict[str, Any] = {"dst": route.destination, "proto": PROTOCOL, "prefsrc": route.source, "scope": scope}
        if route.local:
            body |= {"table": LOCAL_TABLE, "type": _TYPE_LOCAL, "scope": _SCOPE_HOST}
        if len(route.hops) == 1:
            hop = route.hops[0]
            body |= {"oif": devices[hop.device], **({"gateway": hop.via, "flags": _ONLINK} if hop.via else {})}
        else:
            body["multipath"] = [
                {"oif": devices[hop.device], **({"gateway": hop.via, "flags": _ONLINK} if hop.via else {})}
                for hop in route.hops
            ]
        self._netlink.route("replace", **body)

    def replace_known(self, routes: Iterable[Route]) -> None:
        """Put routes in place whose devices are all up; the others wait for the next full pass."""
        links = [link for link in self._netlink.get_links() if link["flags"] & UP]
        devices = {link.get_attr("IFLA_IFNAME"): link["index"] for link in links}
        for route in routes:
            if all(hop.device in devices for hop in route.hops):
                self.replace(route, devices)

    def _delete(self, route: Route) -> None:
        # without the scope "nowhere" the kernel would look for a route of scope "universe" only
        place = {"table": LOCAL_TABLE, "type": _TYPE_LOCAL} if route.local else {}
        self._netlink.route("del", dst=route.destination, proto=PROTOCOL, scope=_SCOPE_NOWHERE, **place)


def transport_devices(netlink: Any, pods: Iterable[str], names: Mapping[int, str]) -> set[str]:
    """Return the devices over which this node's routes reach other nodes' pods through a next hop."""
    networks = [ipaddress.IPv4Network(network) for network in pods]
    devices: set[str] = set()
    for message in netlink.get_routes(family=socket.AF_INET, table=MAIN_TABLE):
        destination, gateway, device = (message.get_attr(name) for name in ("RTA_DST", "RTA_GATEWAY", "RTA_OIF"))
        if not destination or not gateway or message["proto"] == PROTOCOL:
            continue
        network = ipaddress.IPv4Network(f"{destination}/{message['dst_len']}")
        if any(network.subnet_of(pod_network) for pod_network in networks):
            devices.add(names.get(device, ""))
    return devices - {""}


def _possible(route: Route, devices: Mapping[str, int]) -> Route:
    return replace(route, hops=tuple(hop for hop in route.hops if hop.device in devices))


def _decode(message: Any, names: Mapping[int, str], *, local: bool) -> Route:
    destination = f"{message.get_attr('RTA_DST')}/{message['dst_len']}"
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
    return ", ".join(f"via {hop.via} dev {hop.device}" if hop.via else f"dev {hop.device}" for hop in route.hops)
