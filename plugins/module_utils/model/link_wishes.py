# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The entries of ``fabric_links``, checked one by one."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..errors import FabricError
from .entries import Problem, errors_of, unknown_keys
from .types import LinkWish

DRIVERS = ("wireguard", "vxlan", "direct")
ENCRYPTED = ("wireguard",)
"""Drivers whose packets nobody on the way can read."""
SMALLEST_MTU = 1280  # RFC 8200: what every IPv6 path must carry, and the least that is useful for IPv4
LARGEST_MTU = 65535
HIGHEST_COST = 65535
_KEYS = ("between", "driver", "cost", "mtu", "encrypted", "next_hops", "next_hops_ipv6")
_HOPS = {"next_hops": 4, "next_hops_ipv6": 6}
"""Keys that hold routers' addresses, and their IP version."""


def link_wishes(
    host: str, entries: Sequence[Mapping[str, Any]], driver: str
) -> tuple[tuple[LinkWish, ...], list[FabricError]]:
    """The entries as values, and what is wrong with them; an entry with a fault is left out.

    :param driver: of the entries that name none.
    """
    wishes: list[LinkWish] = []
    errors: list[FabricError] = []
    for number, entry in enumerate(entries, 1):
        numbers = {"cost": _number(entry.get("cost", 100)), "mtu": _number(entry.get("mtu", 0))}
        values = {"driver": driver, **entry, **numbers}
        problems = list(_problems(values))
        errors += errors_of(host, "fabric_links", number, problems)
        if not problems:
            wishes.append(_wish(values))
    return tuple(wishes), errors


def _wish(entry: Mapping[str, Any]) -> LinkWish:
    first, second = entry["between"]
    hops, hops6 = (
        tuple(sorted((str(host), str(address)) for host, address in (entry.get(key) or {}).items())) for key in _HOPS
    )
    return LinkWish(
        between=(str(first), str(second)),
        driver=entry["driver"],
        cost=entry["cost"],
        mtu=entry["mtu"],
        encryption_required=entry.get("encrypted") == "required",
        next_hops=hops,
        next_hops6=hops6,
    )


def _problems(entry: Mapping[str, Any]) -> Iterator[Problem]:
    """What is wrong with one entry, and the fix."""
    yield from unknown_keys(entry, _KEYS)
    between = entry.get("between")
    if not isinstance(between, list) or len(between) != 2 or not all(isinstance(each, str) for each in between):
        yield f"between is {between!r}", "name two host name patterns, such as [east, 'branch-*']"
    yield from _driver_problems(entry)
    for key, low, high in (("cost", 0, HIGHEST_COST), ("mtu", SMALLEST_MTU, LARGEST_MTU)):
        value = entry[key]
        if not isinstance(value, int) or isinstance(value, bool) or not (low <= value <= high or value == 0):
            yield f"{key} is {value!r}", f"give a number from {low} to {high}" + (", or 0" if low else "")


def _driver_problems(entry: Mapping[str, Any]) -> Iterator[Problem]:
    driver, encrypted = entry.get("driver"), entry.get("encrypted", "optional")
    if driver not in DRIVERS:
        yield f"driver is {driver!r}", f"choose one of {', '.join(DRIVERS)}"
        return
    if encrypted not in ("required", "optional"):
        yield f"encrypted is {encrypted!r}", "write required or optional"
    if encrypted == "required" and driver not in ENCRYPTED:
        yield f"encrypted is required, and driver {driver} does not encrypt", "use driver wireguard"
    for key, version in _HOPS.items():
        yield from _hop_problems(key, entry.get(key) or {}, driver, version)


def _hop_problems(key: str, hops: Any, driver: str, version: int) -> Iterator[Problem]:
    if not isinstance(hops, dict):
        yield f"{key} is {hops!r}", f"write {key}: {{host: address}}"
        return
    if hops and driver != "direct":
        yield f"{key} are given for driver {driver}", "leave them out: only direct links have next hops"
    for name, address in hops.items():
        if not _is_address(address, version):
            yield (
                f"{key}: {address!r} of {name} is not an IPv{version} address",
                f"give the router's IPv{version} address",
            )


def _number(value: Any) -> Any:
    return int(value) if isinstance(value, str) and value.isdecimal() else value


def _is_address(text: object, version: int) -> bool:
    try:
        return ipaddress.ip_address(str(text)).version == version and "%" not in str(text)  # the device is ours to say
    except ValueError:
        return False
