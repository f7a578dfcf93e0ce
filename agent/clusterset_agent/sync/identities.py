# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pods by what policies say of them: who is published to peers, and which addresses a selector stands for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from ..policy import Policies, good_address
from .export import Export
from .names import Key, Object

CHUNK = 500
"""Addresses of one object: a change of one pod rewrites so many at most."""
_OVER = ("Succeeded", "Failed")
Ports = tuple[str, ...]


@dataclass(frozen=True)
class Identity:
    """What pods have in common as far as policies see it; ``labels`` are those that policies select them by."""

    namespace: str
    labels: tuple[tuple[str, str], ...] = ()


Known = Mapping[Identity, frozenset[str]]
"""Addresses by identity, of the pods of one cluster."""


def slim_pod(item: Object) -> Object:
    """Keep of a pod what is looked at here; there may be many thousands."""
    metadata, spec, status = item["metadata"], item.get("spec") or {}, item.get("status") or {}
    kept = {key: metadata[key] for key in ("namespace", "name", "labels") if key in metadata}
    addresses = [row["ip"] for row in status.get("podIPs") or () if row.get("ip")]
    counts = not spec.get("hostNetwork") and status.get("phase") not in _OVER
    return {"metadata": kept, "addresses": addresses if counts else []}


class OwnPods:
    """This cluster's pods that some policy selects, by identity; kept up pod by pod."""

    def __init__(self) -> None:
        self._identity: dict[Key, tuple[Identity, tuple[str, ...]]] = {}
        self._addresses: dict[Identity, Counter[str]] = {}

    @property
    def known(self) -> dict[Identity, frozenset[str]]:
        """The addresses of each identity that has some."""
        return {identity: frozenset(addresses) for identity, addresses in self._addresses.items()}

    def take(self, key: Key, pod: Object | None, cluster: str, policies: Policies) -> bool:
        """Take in one pod, new, changed or gone; return whether that makes a difference to anybody."""
        fresh = identity_of(pod, cluster, policies) if pod else None
        before = self._identity.pop(key, None)
        if fresh is not None:
            self._identity[key] = fresh
        if fresh == before:
            return False
        for found, sign in ((before, -1), (fresh, 1)):
            if found is not None:
                self._count(*found, sign)
        return True

    def _count(self, identity: Identity, addresses: tuple[str, ...], sign: int) -> None:
        counts = self._addresses.setdefault(identity, Counter())
        for address in addresses:
            counts[address] += sign
            if not counts[address]:
                del counts[address]
        if not counts:
            del self._addresses[identity]


def identity_of(pod: Object, cluster: str, policies: Policies) -> tuple[Identity, tuple[str, ...]] | None:
    """Return a slim pod's identity and addresses; None if it has no address, or no policy selects it."""
    addresses = tuple(map(good_address, pod["addresses"]))
    if not addresses:
        return None
    namespace, labels = pod["metadata"]["namespace"], pod["metadata"].get("labels") or {}
    chosen = [selector for selector in policies.selectors if selector.selects(cluster, namespace, labels)]
    if not chosen:
        return None
    told = {label for selector in chosen for label in selector.labels}
    return Identity(namespace, tuple(sorted(told))), addresses


@dataclass(frozen=True)
class Source:
    """What is known of one cluster: its pods, by a service's key what it exports, and whether an address is its own."""

    cluster: str
    pods: Known
    exports: Callable[[Key], Iterable[Export]] = lambda _key: ()
    owns: Callable[[str], bool] = lambda _address: True


def resolve(policies: Policies, sources: Iterable[Source]) -> dict[tuple[str, Ports], frozenset[str]]:
    """Return the addresses that each selector stands for, by its id and the ports of its export (pods have none)."""
    sources = list(sources)
    found: dict[tuple[str, Ports], frozenset[str]] = {}
    for selector in policies.selectors:
        for source in sources:
            if source.cluster not in selector.clusters:
                continue
            if selector.export:
                namespace, _slash, name = selector.export.partition("/")
                rows = [row for export in source.exports((namespace, name)) for row in _endpoints(export, source.owns)]
            else:
                rows = [
                    ((), addresses)
                    for identity, addresses in source.pods.items()
                    if selector.selects(source.cluster, identity.namespace, dict(identity.labels))
                ]
            for ports, addresses in rows:
                found[selector.id, ports] = found.get((selector.id, ports), frozenset()) | addresses
    return {key: addresses for key, addresses in found.items() if addresses}


def _endpoints(export: Export, owns: Callable[[str], bool]) -> Iterable[tuple[Ports, frozenset[str]]]:
    """The ports of an export and the addresses behind them; a peer must not speak for others."""
    for group in export.groups:
        ports = tuple(sorted({f"{port.protocol.lower()}/{port.port}" for port in group.ports}))
        named = [address for each in group.endpoints for address in each.addresses if owns(address)]
        addresses = frozenset(map(good_address, named))
        if ports:
            yield ports, addresses


def placed(found: Mapping[str, Iterable[str]], wanted: Iterable[str], base: str) -> dict[str, frozenset[str]]:
    """Spread addresses over objects named ``base``-0, -1 and so on: who has a place keeps it, so a change touches one.

    :param found: the addresses that the objects hold now, by name.
    """
    missing = set(wanted)
    rows: dict[str, set[str]] = {}
    for name in sorted(found):
        rows[name] = missing.intersection(found[name])
        missing -= rows[name]
    number = 0
    for address in sorted(missing):
        while len(rows.setdefault(f"{base}-{number}", set())) >= CHUNK:
            number += 1
        rows[f"{base}-{number}"].add(address)
    return {name: frozenset(addresses) for name, addresses in rows.items() if addresses}
