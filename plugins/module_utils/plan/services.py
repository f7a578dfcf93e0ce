# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Services across clusters: whether, and who answers for their names."""

from __future__ import annotations

from ..facts.types import ClusterFacts
from ..model.types import ClusterModel
from .types import ServicesPlan

BUNDLE = "services"
OLDEST_DNS = (1, 12, 2)  # the first CoreDNS with `multicluster`
COREFILE = "corefile"
STUB = "stub"


def plan_services(model: ClusterModel, facts: ClusterFacts) -> ServicesPlan:
    """What becomes of services in one cluster."""
    if not model.services:
        return ServicesPlan(action="remove" if BUNDLE in facts.owned.bundles else "off")
    return ServicesPlan(
        action="on",
        dns=_dns(model, facts),
        dns_image=model.dns_image,
        api_endpoint=model.api_endpoint,
        peer_timeout=model.peer_timeout,
        token_hours=model.peer_token_hours,
        exports=model.exports,
    )


def dns_note(model: ClusterModel, facts: ClusterFacts) -> list[str]:
    """What a person should know of names, if they will not be answered although they are wanted."""
    why = _dns(model, facts)
    if not model.services or why in (COREFILE, "off"):
        return []
    if why == STUB:
        return [f"{_older(facts)}: a CoreDNS of our own answers for names of the clusterset, behind a stub zone"]
    return [f"nobody answers for names of the clusterset, since {why}: services are reached by address only"]


def _dns(model: ClusterModel, facts: ClusterFacts) -> str:
    if not model.service_dns:
        return "off"
    if facts.dns != "coredns":
        return f"its DNS server is {facts.dns or 'not found'}, not CoreDNS"
    number = _number(facts.dns_version)
    if number is None:
        return "the version of its CoreDNS is unknown"
    if number < OLDEST_DNS:
        return STUB if model.dns_image else _older(facts)
    return COREFILE


def _older(facts: ClusterFacts) -> str:
    return f"its CoreDNS is {facts.dns_version}, older than {'.'.join(map(str, OLDEST_DNS))}"


def _number(version: str) -> tuple[int, ...] | None:
    parts = version.split(".")
    return tuple(map(int, parts)) if version and all(part.isdigit() for part in parts) else None
