# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Devices, addresses and neighbours: what the kernel holds against what it should hold."""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterable
from typing import Any

from .families import IPV6, family_of, is_mapped
from .faults import AgentError
from .kernel_state import Neighbour, Vxlan
from .names import LINK_PREFIX

_PERMANENT = 0x80
_SELF = 2
UP = 1
"""Flag of a device that is up."""
_NODAD, _NOPREFIXROUTE = 0x02, 0x200
"""Flags of an IPv6 address: in use at once, and without a route of its own."""


class Devices:
    """Network devices by netlink; every method changes only what differs and returns what it changed.

    The picture of the kernel is read by :meth:`refresh`, once for a whole pass, and kept up to date by each change.
    """

    def __init__(self, netlink: Any) -> None:
        self._netlink = netlink
        self._links: dict[str, Any] = {}
        self._addresses: dict[int, set[tuple[str, int]]] = {}
        self._forwarding: dict[int, set[tuple[str, str]]] = {}
        self._resolution: dict[int, set[tuple[str, str]]] = {}

    def refresh(self) -> None:
        """Read all devices, IPv4 addresses and IPv6 ones of ours, and permanent neighbours."""
        self._links = {link.get_attr("IFLA_IFNAME"): link for link in self._netlink.get_links()}
        self._addresses = {}
        for row in self._netlink.get_addr(family=socket.AF_INET):
            found = (row.get_attr("IFA_LOCAL"), row["prefixlen"])
            self._addresses.setdefault(row["index"], set()).add(found)
        for row in self._netlink.get_addr(family=socket.AF_INET6):
            found = (row.get_attr("IFA_ADDRESS"), row["prefixlen"])
            if row["family"] == socket.AF_INET6 and is_mapped(found[0]):
                self._addresses.setdefault(row["index"], set()).add(found)
        self._forwarding = {}
        for row in self._netlink.get_neighbours(family=socket.AF_BRIDGE):
            if row.get_attr("NDA_DST"):
                pair = (row.get_attr("NDA_LLADDR"), row.get_attr("NDA_DST"))
                self._forwarding.setdefault(row["ifindex"], set()).add(pair)
        self._resolution = {}
        for family in (socket.AF_INET, socket.AF_INET6):
            for row in self._netlink.get_neighbours(family=family):
                if row["state"] & _PERMANENT:
                    pair = (row.get_attr("NDA_DST"), row.get_attr("NDA_LLADDR"))
                    self._resolution.setdefault(row["ifindex"], set()).add(pair)

    def indexes(self, *, up: bool = False) -> dict[str, int]:
        """Return the index of every device by name, or of those only that are up: no other takes a route."""
        return {name: link["index"] for name, link in self._links.items() if not up or link["flags"] & UP}

    def holder(self, address: str) -> tuple[str, int]:
        """Return name and MTU of the device that carries this node's own address."""
        for name, link in self._links.items():
            if any(local == address for local, _length in self._addresses.get(link["index"], ())):
                return name, link.get_attr("IFLA_MTU")
        raise AgentError(f"no device of this node carries its address {address}")

    def links(self) -> set[str]:
        """Return the names of all link interfaces."""
        return {name for name in self._links if name.startswith(LINK_PREFIX)}

    def add(self, name: str, kind: str, **settings: Any) -> list[str]:
        """Make a device."""
        self._netlink.link("add", ifname=name, kind=kind, **settings)
        self._read(name)
        return [f"device {name} made"]

    def delete(self, name: str) -> list[str]:
        """Remove a device if it is there."""
        if name not in self._links:
            return []
        gone = self._links.pop(name)
        self._addresses.pop(gone["index"], None)
        try:
            self._netlink.link("del", index=gone["index"])
        except Exception as error:  # pyroute2's errors have no common base below Exception
            if getattr(error, "code", None) != errno.ENODEV:  # it may have gone with its wireguard-go just now
                raise
        return [f"device {name} deleted"]

    def vxlan(self, wanted: Vxlan) -> list[str]:
        """Have a VXLAN device as wanted; one of another shape is made anew."""
        changes: list[str] = []
        lower = self._get(wanted.device)["index"]
        present = self._links.get(wanted.name)
        if present is not None and not _same_vxlan(present, wanted, lower):
            changes += self.delete(wanted.name)
            present = None
        if present is None:
            changes += self.add(
                wanted.name,
                "vxlan",
                vxlan_id=wanted.vni,
                vxlan_port=wanted.port,
                vxlan_local=wanted.local,
                vxlan_link=lower,
                vxlan_learning=0,
                address=wanted.mac,
            )
        elif present.get_attr("IFLA_ADDRESS") != wanted.mac:
            self._netlink.link("set", index=present["index"], address=wanted.mac)
            changes.append(f"device {wanted.name} address {wanted.mac}")
        return changes + self.up(wanted.name, wanted.mtu)

    def up(self, name: str, mtu: int) -> list[str]:
        """Have a device up with this MTU."""
        link = self._get(name)
        wrong: dict[str, Any] = {}
        if link.get_attr("IFLA_MTU") != mtu:
            wrong["mtu"] = mtu
        if not link["flags"] & UP:
            wrong["state"] = "up"
        if not wrong:
            return []
        self._netlink.link("set", index=link["index"], **wrong)
        self._read(name)
        return [f"device {name} " + " ".join(f"{key} {value}" for key, value in wrong.items())]

    def addresses(self, name: str, wanted: Iterable[str]) -> list[str]:
        """Have exactly these addresses, each for itself alone, on a device of ours."""
        index = self._get(name)["index"]
        present = self._addresses.get(index, set())
        single = {(address, 128 if family_of(address) == IPV6 else 32) for address in wanted}
        changes: list[str] = []
        for address, length in sorted(single - present):
            flags = {"flags": _NODAD | _NOPREFIXROUTE} if family_of(address) == IPV6 else {}
            self._netlink.addr("add", index=index, address=address, prefixlen=length, **flags)
            changes.append(f"address {address} on {name}")
        for other, length in present - single:
            self._netlink.addr("del", index=index, address=other, prefixlen=length)
            changes.append(f"address {other} off {name}")
        return changes

    def neighbours(self, name: str, wanted: Iterable[Neighbour]) -> list[str]:
        """Have exactly these nodes in a VXLAN device's forwarding and neighbour tables."""
        index = self._get(name)["index"]
        forward = {(node.mac, node.underlay) for node in wanted}
        resolve = {(address, node.mac) for node in wanted for address in (node.tunnel, node.link_local) if address}
        return [*self._forward(index, forward), *self._resolve(index, resolve)]

    def _forward(self, index: int, wanted: set[tuple[str, str]]) -> list[str]:
        present = self._forwarding.get(index, set())
        kept = {mac for mac, _underlay in wanted}
        for mac, underlay in present - wanted:
            if mac not in kept:
                self._netlink.fdb("del", ifindex=index, lladdr=mac, dst=underlay, flags=_SELF)
        for mac, underlay in wanted - present:
            self._netlink.fdb("replace", ifindex=index, lladdr=mac, dst=underlay, flags=_SELF, state=_PERMANENT)
        return [f"forwarding {mac} {underlay}" for mac, underlay in sorted(present ^ wanted)]

    def _resolve(self, index: int, wanted: set[tuple[str, str]]) -> list[str]:
        present = self._resolution.get(index, set())
        kept = {address for address, _mac in wanted}
        for address, mac in present - wanted:
            if address not in kept:
                self._netlink.neigh("del", ifindex=index, dst=address, lladdr=mac)
        for address, mac in wanted - present:
            self._netlink.neigh("replace", ifindex=index, dst=address, lladdr=mac, state=_PERMANENT)
        return [f"neighbour {address} {mac}" for address, mac in sorted(present ^ wanted)]

    def _read(self, name: str) -> None:
        """Look again at one device: with many links, looking at all each time would take the square of their number."""
        (self._links[name],) = self._netlink.link("get", ifname=name)

    def _get(self, name: str) -> Any:
        if name not in self._links:
            raise AgentError(f"device {name} is gone")
        return self._links[name]


def _same_vxlan(link: Any, wanted: Vxlan, lower: int) -> bool:
    info = link.get_attr("IFLA_LINKINFO")
    data = info.get_attr("IFLA_INFO_DATA") if info and info.get_attr("IFLA_INFO_KIND") == "vxlan" else None
    if data is None:
        return False
    present = (
        data.get_attr("IFLA_VXLAN_ID"),
        data.get_attr("IFLA_VXLAN_PORT"),
        data.get_attr("IFLA_VXLAN_LOCAL"),
        data.get_attr("IFLA_VXLAN_LINK"),
        data.get_attr("IFLA_VXLAN_LEARNING"),
    )
    return present == (wanted.vni, wanted.port, wanted.local, lower, 0)
