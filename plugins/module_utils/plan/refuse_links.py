# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of the links stops a run before anything is touched."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase

from ..errors import FabricError
from ..model.link_wishes import ENCRYPTED, SMALLEST_MTU
from ..model.types import ClusterModel, LinkWish
from .types import LinkPlan
from .ways import own_links, pairs

MOST_LINKS = 2  # of a pair: a link's number is 0 or 1, and its ports and interfaces follow from it


def refuse_wishes(models: Sequence[ClusterModel]) -> list[FabricError]:
    """Entries of ``fabric_links`` that contradict each other, match nothing, or cannot work with the gateways."""
    differing = [model for model in models if model.links != models[0].links]
    if differing:
        told = ", ".join(f"{model.host}: {len(model.links)} entries" for model in (models[0], differing[0]))
        message = f"fabric_links differs between clusters ({told})"
        return [FabricError(message, fix="set one fabric_links for all clusters")]
    errors = [error for wish in (models[0].links if models else ()) for error in _names(wish, models)]
    own = own_links(models)
    for a, b in pairs(models):
        errors += _pair(a, b, own.get((a.cluster_id, b.cluster_id), ()))
    return errors


def _names(wish: LinkWish, models: Sequence[ClusterModel]) -> Iterator[FabricError]:
    hosts = [model.host for model in models]
    known = f"known clusters: {', '.join(sorted(hosts))}"
    for pattern in wish.between:
        if not any(fnmatchcase(host, pattern) for host in hosts):
            yield FabricError(f"fabric_links: between has {pattern!r}, which matches no cluster", fix=known)
    for host, address in wish.next_hops + wish.next_hops6:
        if host not in hosts:
            yield FabricError(f"fabric_links: next_hops has {address} for {host!r}, which is no cluster", fix=known)


def _pair(a: ClusterModel, b: ClusterModel, wishes: Sequence[LinkWish]) -> Iterator[FabricError]:
    drivers = Counter(wish.driver for wish in wishes)
    told = ", ".join(wish.driver for wish in wishes)
    if len(wishes) > MOST_LINKS:
        message = f"{a.host} and {b.host} would have {len(wishes)} links ({told}), more than {MOST_LINKS}"
        yield FabricError(message, fix="narrow the patterns of fabric_links so that at most two entries match the pair")
    for driver, count in drivers.items():
        if count > 1:
            message = f"{a.host} and {b.host} would have {count} links by {driver}"
            yield FabricError(
                message, fix="give the entries of fabric_links different drivers, or narrow their patterns"
            )
    hidden = [model.host for model in (a, b) if model.behind_nat]
    if wishes and len(hidden) == 2:
        message = f"{a.host} and {b.host} are both behind a NAT, so neither can call the other"
        fix = "leave out their link by fabric_links, or unset fabric_gateways_behind_nat of one of them"
        yield FabricError(message, fix=fix)
    for driver in drivers:
        if hidden and driver not in ENCRYPTED:
            message = f"{a.host} and {b.host}: a {driver} link does not pass the NAT of {' and '.join(hidden)}"
            yield FabricError(message, fix="use driver wireguard for this pair")


def refuse_mtu(links: Sequence[LinkPlan], hosts: Mapping[str, str]) -> list[FabricError]:
    """Pairs whose payload would be smaller than any path should be. ``hosts`` maps cluster id to host."""
    return [
        FabricError(
            f"the link of {hosts[link.a]} and {hosts[link.b]} would have an MTU of {link.mtu}, below {SMALLEST_MTU}",
            fix="raise fabric_underlay_mtu (and the network's) of the smaller side",
        )
        for link in links
        if link.number == 0 and link.mtu < SMALLEST_MTU
    ]
