# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which hop of a failed pair is broken, concluded from what was measured and from what the clusters' objects say.

The way of a packet: source node -> (overlay fab0) -> own gateway -> (link) -> the peer's gateway -> (its cluster's
network) -> target node. Measured: which tunnel addresses of the gateways on both ends the source pod can ping.
"""

from __future__ import annotations

from collections.abc import Mapping

from .evidence import Evidence, LinkState
from .types import FAILED, OK, Check, Pair, Place

Reach = Mapping[str, bool]
"""Answers to pings of gateways' tunnel addresses, by label (cluster/node); empty where nothing was measured."""


def explain(pair: Pair, source: Evidence, target: Evidence, reach: Reach) -> tuple[str, tuple[str, ...]]:
    """The broken hop in words, and the evidence for it, most telling first."""
    states = {check.name: check for check in pair.checks}
    evidence = [*_objects(pair, source, target), *_measured(source, target, reach)]
    if pair.source.cluster == pair.target.cluster:
        return f"network plugin of {pair.source.cluster}", tuple(evidence)
    if missing := _not_linked(source, target):
        return missing, tuple(evidence)
    basic = [states[name].state for name in ("icmp", "tcp", "udp") if name in states]
    if basic and OK not in basic:
        return _lost(pair, source, target, reach), tuple(evidence)
    hop, sign = _partial(pair, source, target, states)
    return hop, tuple([sign, *evidence] if sign else evidence)


def _not_linked(source: Evidence, target: Evidence) -> str:
    """Why there can be no way at all, or ""."""
    for here, there in ((source, target), (target, source)):
        if not here.cluster_id:
            return f"{here.cluster} has no links (no Fabric object in it): run the links role"
        if here.state == "Leaving":
            return f"{here.cluster} is leaving the clusterset"
        if there.cluster_id and there.cluster_id not in here.peers:
            return f"{here.cluster} has no Peer {there.cluster_id}: run the links role"
    return ""


def _lost(pair: Pair, source: Evidence, target: Evidence, reach: Reach) -> str:
    """Nothing arrives: the first segment of the way that does not answer."""
    way = _way(source, target)
    if not _links(source, target, "Up"):
        return f"link {way} (no gateway of {source.cluster} has one that is up)"
    own = [reach[label] for label in _gateways(source) if label in reach]
    far = [reach[label] for label in _gateways(target) if label in reach]
    if own and not any(own):
        return f"{pair.source.label} -> gateways of {source.cluster}"
    if far and not any(far):
        return f"link {way}"
    if far:
        return f"gateways of {target.cluster} -> {pair.target.label}"
    return f"somewhere between {pair.source.label} and {pair.target.label}"


def _way(source: Evidence, target: Evidence) -> str:
    """Source and target, with the cluster between them where they have no link of their own."""
    via = source.via.get(target.cluster_id)
    return " -> ".join([source.cluster, *([via] if via else []), target.cluster])


def _partial(pair: Pair, source: Evidence, target: Evidence, states: Mapping[str, Check]) -> tuple[str, str]:
    """Something arrives, something does not: hop and the sign that gives it away."""
    failed = pair.failed
    if "source" in failed:
        return _rewritten(pair, source, target, states["source"])
    way = f"{pair.source.label} -> {pair.target.label}"
    if set(failed) <= {"large", "bulk"}:
        return f"packet size on the way {way}", "small packets pass, large ones do not: look at the MTU of the links"
    if failed == ("connections",):
        return f"one of several paths {way}", "some connections pass, some do not"
    if failed == ("icmp",):
        return f"a filter on the way {way}", "ICMP is lost, TCP and UDP pass"
    if "tcp" in failed and states.get("icmp", Check("", FAILED)).state == OK:
        return f"a filter or an asymmetric return on the way {way}", "ICMP passes, TCP does not"
    return f"a filter on the way {way}", f"only {', '.join(failed)} failed"


def _rewritten(pair: Pair, source: Evidence, target: Evidence, check: Check) -> tuple[str, str]:
    """Masquerading: who put its own address into the packet."""
    for address in check.seen:
        for cluster in (source, target):
            if owner := cluster.owner(address):
                return f"masquerading in {cluster.cluster}", f"seen as {address}, the {owner}"
    seen = ", ".join(check.seen)
    return f"masquerading between {pair.source.label} and {pair.target.label}", f"seen as {seen}, which nobody owns"


def _objects(pair: Pair, source: Evidence, target: Evidence) -> list[str]:
    """What the objects of both clusters say against this pair."""
    found: list[str] = []
    for place, evidence in ((pair.source, source), (pair.target, target)):
        found += _node(place, evidence)
        for gateway in evidence.gateways:
            found += _node(Place(evidence.cluster, gateway, ""), evidence)
    for here, there in ((source, target), (target, source)):
        toward = here.via.get(there.cluster_id) or there.cluster
        found += [_said(here, toward, link) for link in _links(here, there) if link.state != "Up"]
        found += [_gateway(here, node) for node in here.gateways if here.states.get(node) in ("Draining", "Drained")]
        if here.cluster_id and there.cluster_id in here.peers and not _links(here, there):
            found.append(f"{here.cluster} has no Link object towards {toward}")
    return list(dict.fromkeys(found))


def _node(place: Place, evidence: Evidence) -> list[str]:
    """What is wrong with our agent on one node."""
    if not evidence.cluster_id:
        return []
    if place.node not in evidence.agents:
        return [f"no agent runs on {place.label}"]
    found = [] if evidence.agents[place.node] else [f"the agent on {place.label} is not ready"]
    if place.node not in evidence.tunnels:
        found.append(f"{place.label} has no tunnel address")
    if complaint := evidence.complaints.get(place.node):
        found.append(f"the agent on {place.label} says: {complaint}")
    return found


def _gateway(here: Evidence, node: str) -> str:
    return f"gateway {here.cluster}/{node} is {here.states[node]}"


def _said(here: Evidence, toward: str, link: LinkState) -> str:
    state = link.state or "not reported"
    what = "link" if link.driver == "wireguard" else f"{link.driver} link"
    handshake = ""
    if link.driver == "wireguard":
        handshake = f", last handshake {link.last_handshake}" if link.last_handshake else ", never a handshake"
    said = f": {link.message}" if link.message else ""
    return f"{what} {here.cluster}/{link.node} -> {toward}/{link.remote} is {state}{handshake}{said}"


def _measured(source: Evidence, target: Evidence, reach: Reach) -> list[str]:
    """The gateways that did not answer the source pod's ping."""
    labels = [*_gateways(source), *_gateways(target)]
    return [f"gateway {label} does not answer pings" for label in labels if reach.get(label) is False]


def _gateways(evidence: Evidence) -> list[str]:
    return [f"{evidence.cluster}/{node}" for node in evidence.gateways]


def _links(here: Evidence, there: Evidence, state: str = "") -> list[LinkState]:
    """Links of `here` towards `there`, or towards the cluster between them; all or those in one state."""
    first = here.via.get(there.cluster_id, there.cluster_id)
    return [link for link in here.links if link.peer == first and state in ("", link.state)]
