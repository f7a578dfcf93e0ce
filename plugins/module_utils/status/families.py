# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pods with addresses of both families: each is two places, and IPv6 is checked where it is carried."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from .evidence import Evidence
from .types import Place

IPV6 = "IPv6"


def located(place: Place, addresses: Sequence[str]) -> Place:
    """The place with its pod's addresses, of which there is at least one: the IPv4 one first."""
    four, six = ([text for text in addresses if (":" in text) == colon] for colon in (False, True))
    return replace(place, address=(four + six)[0], second=six[0] if four and six else "")


def spread(places: Iterable[Place], evidence: Evidence, *, within: bool) -> list[Place]:
    """The places, and one more for each second address if there is somebody to be reached by it."""
    found = list(places)
    if evidence.ipv6 - (frozenset() if within else {evidence.cluster_id}):
        found += [replace(each, address=each.second, second="", family=IPV6) for each in found if each.second]
    return found


def meets(here: Place, there: Place, source: Evidence, target: Evidence) -> bool:
    """Whether two places are to reach each other: in the same family, which their clusters carry to each other."""
    if here.label == there.label:
        return False
    if not here.address or not there.address:
        return here.family == there.family
    six = {":" in place.address for place in (here, there)}
    if six != {True}:
        return six == {False}
    return target.cluster_id in source.ipv6 and source.cluster_id in target.ipv6
