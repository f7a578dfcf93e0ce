# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Policies between clusters as typed values: what the sync part resolves, and the gateways enforce."""

from __future__ import annotations

import hashlib
import ipaddress
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

from .faults import AgentError

Spec = Mapping[str, Any]
API = "api"
"""Selector of the Selection that holds the addresses of this cluster's API server, which peers' sync parts call."""
_NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_PORT = re.compile(r"(tcp|udp|sctp)/(\d{1,5})(?:-(\d{1,5}))?")


@dataclass(frozen=True)
class Selector:
    """Some pods: those with all of ``labels``, in ``namespaces`` (none: all) of ``clusters``; or an export's endpoints.

    :ivar export: "namespace/service", or "".
    """

    clusters: tuple[str, ...]
    labels: tuple[tuple[str, str], ...] = ()
    namespaces: tuple[str, ...] = ()
    export: str = ""

    @property
    def whole(self) -> bool:
        """Whether it means all of its clusters: then nobody needs to know their pods."""
        return not self.labels and not self.namespaces and not self.export

    @cached_property
    def id(self) -> str:
        """Digest by which the sync part and the gateways name it alike."""
        return digest([self.clusters, self.labels, self.namespaces, self.export])

    def selects(self, cluster: str, namespace: str, labels: Mapping[str, str]) -> bool:
        """Whether a pod is one of its pods; never for an export or a whole cluster, which are known by other means."""
        if self.whole or self.export or cluster not in self.clusters:
            return False
        if self.namespaces and namespace not in self.namespaces:
            return False
        return all(labels.get(key) == value for key, value in self.labels)


@dataclass(frozen=True)
class Policy:
    """Whether pods may open connections to others. ``ports`` are such as tcp/80 or udp/53-60; () means all."""

    name: str
    allow: bool
    source: Selector
    target: Selector
    ports: tuple[str, ...] = ()


@dataclass(frozen=True)
class Policies:
    """All of them, in the order in which they decide, and what becomes of what none names."""

    default_allow: bool
    policies: tuple[Policy, ...] = ()

    @cached_property
    def selectors(self) -> tuple[Selector, ...]:
        """The distinct selectors that have to be resolved."""
        sides = [side for policy in self.policies for side in (policy.source, policy.target) if not side.whole]
        return tuple(dict.fromkeys(sides))


CLOSED = Policies(default_allow=False)
"""What a gateway goes by as long as it has never heard of policies that it knows to exist."""


def digest(words: list[object]) -> str:
    """Return a short name for what is too long to be one."""
    return hashlib.sha256(json.dumps(words).encode()).hexdigest()[:16]


def parse_policies(spec: Spec) -> Policies:
    """Return the policies of a FabricPolicy's spec; :raises AgentError: if they cannot be understood."""
    try:
        policies = tuple(_policy(row) for row in spec.get("policies") or ())
        return Policies(spec["default"] == "allow", policies)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise AgentError(f"FabricPolicy: {error!r}") from error


def _policy(row: Spec) -> Policy:
    if not _NAME.fullmatch(row["name"]) or row["action"] not in ("allow", "deny"):
        raise ValueError(f"policy {row['name']!r} with action {row['action']!r}")
    return Policy(
        name=row["name"],
        allow=row["action"] == "allow",
        source=_selector(row["from"]),
        target=_selector(row["to"]),
        ports=good_ports(row.get("ports") or ()),
    )


def _selector(row: Spec) -> Selector:
    return Selector(
        clusters=tuple(sorted(row["clusters"])),
        labels=tuple(sorted((row.get("labels") or {}).items())),
        namespaces=tuple(sorted(row.get("namespaces") or ())),
        export=row.get("export") or "",
    )


def good_ports(texts: Iterable[str]) -> tuple[str, ...]:
    """Return the ports in order; :raises ValueError: for one that is none, since they become text for nftables."""
    for text in texts:
        if not _PORT.fullmatch(text):
            raise ValueError(f"{text!r} is not a port")
    return tuple(sorted(set(texts)))


@lru_cache(maxsize=65536)
def good_address(text: str) -> str:
    """Return an address as everybody writes it; :raises ValueError: for anything else."""
    return str(ipaddress.ip_address(text))
