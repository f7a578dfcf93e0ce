# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The text of the table that enforces policies on a gateway; docs/policies.md tells how it decides.

Each packet is judged by itself, by the addresses and ports that it carries: with several gateways its answers may
take other ways, so no gateway has a connection's whole story. That is also why a change cuts what it forbids at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from .families import IPV4, IPV6, held, only
from .kernel_state import DirectLink
from .links import links_of
from .names import LINK_PREFIX, POLICY_TABLE
from .policy import API, Policies, Policy, Selector
from .ruleset import WORDS, Words
from .situation import Situation
from .wanted import Fabric, Peer

Ports = tuple[str, ...]
Selections = Mapping[str, Mapping[Ports, frozenset[str]]]
"""Addresses by a selector's id and by the ports of an export; pods have ()."""
COUNTED_DEFAULT, COUNTED_SPOOFED = "other.default", "other.spoofed"
_POLICY = "policy."
_SYN = "tcp flags & (syn | ack) == syn"
_SPOOFED = f"counter name {COUNTED_SPOOFED} drop"
_LINK_LOCAL: Mapping[int, tuple[str, ...]] = {IPV4: (), IPV6: ("fe80::/10",)}
_NOTICES = {
    IPV4: "icmp type { destination-unreachable, time-exceeded, parameter-problem } accept",
    IPV6: "icmpv6 type { destination-unreachable, packet-too-big, time-exceeded, parameter-problem } accept",
}


@dataclass(frozen=True)
class Rules:
    """A table: its frame as text, and the elements of those of its sets that change by themselves."""

    frame: str
    sets: Mapping[str, frozenset[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class _Term:
    """What one policy says of one pair of sets; an export with different ports in two clusters gives two."""

    policy: Policy
    source: str
    target: str
    ports: Ports


def render_policies(situation: Situation, policies: Policies, selections: Selections, family: int) -> Rules:
    """Return the table of a family; the same input gives the same text."""
    words = WORDS[family]
    sets: dict[str, frozenset[str]] = {}
    static = _Static(situation, family)
    terms = [term for policy in policies.policies for term in _terms(policy, selections, static, sets, family)]
    counters = [*(f"{_POLICY}{policy.name}" for policy in policies.policies), COUNTED_DEFAULT, COUNTED_SPOOFED]
    blocks = [
        *(f"  counter {name} {{ }}" for name in counters),
        *static.declared(words),
        *(f"  set {name} {{ type {words.kind}; }}" for name in sorted(sets)),
        *_verdicts(terms, policies.default_allow, words.ip),
        _judged(selections.get(API, {}), words, family),
        _between(situation, words.ip),
        _chain("arriving", "type filter hook input priority -10; policy accept;", *_arrivals(situation, words.ip)),
        _spoofed(situation, words.ip, family),
    ]
    frame = f"table {words.ip} {POLICY_TABLE} {{\n" + "\n".join(blocks) + "\n}\n"
    return Rules(frame, sets)


class _Static:
    """Sets of ranges, which change with the fabric only; those of whole clusters are made as they are asked for."""

    def __init__(self, situation: Situation, family: int) -> None:
        fabric, peers = situation.fabric, situation.peers(family)
        clusters: list[Fabric | Peer] = [fabric, *peers]
        self._ranges = {each.cluster: (*only(family, each.pods), held(each.tunnel, family)) for each in clusters}
        self._sets = {
            "local_services": only(family, fabric.services),
            "remote_all": tuple(network for peer in peers for network in peer.ranges(family)),
            "remote_services": tuple(network for peer in peers for network in only(family, peer.services)),
            "tunnels": tuple(held(each.tunnel, family) for each in clusters),
        }

    def whole(self, clusters: Sequence[str]) -> str:
        """Return the name of the set of everything in these clusters: pods, and nodes by their tunnel addresses."""
        name = "all_of_" + Selector(tuple(clusters)).id
        self._sets[name] = tuple(network for cluster in clusters for network in self._ranges.get(cluster, ()))
        return name

    def declared(self, words: Words) -> Iterator[str]:
        for name, networks in sorted(self._sets.items()):
            content = f" elements = {{ {', '.join(sorted(set(networks)))} }};" if networks else ""
            yield f"  set {name} {{ type {words.kind}; flags interval; auto-merge;{content} }}"


def _terms(
    policy: Policy, selections: Selections, static: _Static, sets: dict[str, frozenset[str]], family: int
) -> Iterator[_Term]:
    for source, _ports in _named(policy.source, selections, static, sets, family):
        for target, ports in _named(policy.target, selections, static, sets, family):
            yield _Term(policy, source, target, policy.ports or ports)


def _named(
    selector: Selector, selections: Selections, static: _Static, sets: dict[str, frozenset[str]], family: int
) -> Iterator[tuple[str, Ports]]:
    """The sets that hold a selector's addresses, each with the ports of its export."""
    if selector.whole:
        yield static.whole(selector.clusters), ()
        return
    found = selections.get(selector.id, {})
    for ports in sorted(found) if selector.export else [()]:
        name = f"pods_{selector.id}" + "".join(f"_{port.replace('/', '_')}" for port in ports)
        sets[name] = frozenset(only(family, found.get(ports, ())))
        yield name, ports


def _verdicts(terms: Sequence[_Term], default_allow: bool, ip: str) -> Iterator[str]:
    """Four chains: whoever opens a TCP connection is judged by what may be asked; other packets also as answers.

    What a policy denies as a question may still be the answer to one that another policy allows.
    """
    rest = f"counter name {COUNTED_DEFAULT} {'accept' if default_allow else 'drop'}"

    def asked(deny: str) -> list[str]:
        return [rule for term in terms for rule in _rules(term, ip, answer=False, deny=deny)]

    answered = [rule for term in terms for rule in _rules(term, ip, answer=True, deny="drop")]
    yield _chain("answered", *answered, rest)
    yield _chain("answered_or_denied", *answered, "drop")
    yield _chain("opening", *asked("drop"), rest)
    yield _chain("going", *asked("goto answered_or_denied"), "goto answered")


def _rules(term: _Term, ip: str, *, answer: bool, deny: str) -> Iterator[str]:
    source, target = (term.target, term.source) if answer else (term.source, term.target)
    verdict = f"counter name {_POLICY}{term.policy.name} {'accept' if term.policy.allow else deny}"
    for match in _ports(term.ports, "sport" if answer else "dport"):
        yield f"{ip} saddr @{source} {ip} daddr @{target} {match}{verdict}"


def _ports(ports: Ports, side: str) -> list[str]:
    by_protocol: dict[str, list[str]] = {}
    for port in ports:
        protocol, _slash, numbers = port.partition("/")
        by_protocol.setdefault(protocol, []).append(numbers)
    return [f"{protocol} {side} {{ {', '.join(rows)} }} " for protocol, rows in by_protocol.items()] or [""]


def _judged(api: Mapping[Ports, frozenset[str]], words: Words, family: int) -> str:
    """What is ours passes always: probes, notices that a packet does not fit, calls of peers to the API server.

    A peer's Services are left to that peer, who sees the pod behind; what comes back from them can open nothing.
    """
    ip = words.ip
    own = [
        f"ct original {ip} daddr {address} meta l4proto tcp ct original proto-dst {port.partition('/')[2]} accept"
        for ports, addresses in sorted(api.items())
        for address in sorted(only(family, addresses))
        for port in ports
    ]
    return _chain(
        "judged",
        f"{ip} saddr @tunnels {ip} daddr @tunnels accept",
        *(f"{ip} saddr {network} accept" for network in _LINK_LOCAL[family]),  # never forwarded
        _NOTICES[family],
        *own,
        f"{ip} daddr @remote_services accept",
        f"{ip} saddr @remote_services meta l4proto != tcp accept",
        f"{ip} saddr @remote_services tcp flags & (syn | ack) != syn accept",
        f"{_SYN} goto opening",
        "goto going",
    )


def _between(situation: Situation, ip: str) -> str:
    """What leaves this cluster, and what enters it; what only passes through is judged at both of its ends."""
    spoofed = [] if situation.fabric.transit else [f"{ip} saddr @remote_all {_SPOOFED}"]
    leaving = _chain(
        "leaving",
        *spoofed,
        f"{ip} saddr @remote_all return",
        f"{ip} saddr @local_services {_SPOOFED}",
        "goto judged",
    )
    entering = _chain("entering", f"{ip} daddr @remote_all return", "goto judged")
    hook = _chain(
        "between",
        "type filter hook forward priority -10; policy accept;",
        *_arrivals(situation, ip),
        f'oifname "{LINK_PREFIX}*" jump leaving',
        *(f'oifname "{line}" {ip} daddr @remote_all jump leaving' for line in _lines(situation)),
    )
    return f"{leaving}\n{entering}\n{hook}"


def _arrivals(situation: Situation, ip: str) -> list[str]:
    """Judge what enters, also what ends at the gateway itself, such as a Service whose endpoint it is."""
    lines = [f'iifname "{line}" {ip} saddr @remote_all jump entering' for line in _lines(situation)]
    return [f'iifname "{LINK_PREFIX}*" jump entering', *lines]


def _spoofed(situation: Situation, ip: str, family: int) -> str:
    """Through a link come only addresses of the peer at its other end, and of those behind it."""
    devices: dict[str, list[str]] = {}
    for link in links_of(situation):
        if not isinstance(link, DirectLink):
            devices.setdefault(link.peer, []).append(f'"{link.name}"')
    rules = [
        f"iifname {{ {', '.join(sorted(devices[peer.cluster]))} }} {ip} saddr != "
        f"{{ {', '.join([*_good(situation, peer, family), *_LINK_LOCAL[family]])} }} {_SPOOFED}"
        for peer in situation.peers(family)
        if peer.cluster in devices
    ]
    for line in _lines(situation):
        bad = _not_by_line(situation, line, family)
        rules += [f'iifname "{line}" {ip} saddr {{ {", ".join(bad)} }} {_SPOOFED}'] if bad else []
    return _chain("spoofed", "type filter hook prerouting priority -290; policy accept;", *rules)


def _good(situation: Situation, peer: Peer, family: int) -> list[str]:
    return sorted(set(only(family, situation.carried_for(peer))))


def _not_by_line(situation: Situation, line: str, family: int) -> list[str]:
    """Ranges that must not arrive on a dedicated line's device; none if the network plugin uses it, too."""
    facts, fabric = situation.facts, situation.fabric
    if line in (*facts.transports, *facts.shared):
        return []
    linked = {link.peer for link in links_of(situation) if isinstance(link, DirectLink)}
    bad = [*only(family, fabric.pods), held(fabric.tunnel, family)]
    for peer in situation.peers(family):
        bad += [] if (peer.via or peer.cluster) in linked else peer.ranges(family)
    return sorted(set(bad))


def _lines(situation: Situation) -> list[str]:
    return sorted({link.device for link in links_of(situation) if isinstance(link, DirectLink)})


def _chain(name: str, *rules: str) -> str:
    lines = "\n".join(f"    {rule}" for rule in rules)
    return f"  chain {name} {{\n{lines}\n  }}"
