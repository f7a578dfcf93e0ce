# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests to the verifier pods, and their answers as values."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ..facts.raw import dig
from ..plan.families import mapped
from .evidence import Evidence
from .types import CHECKS, FAILED, OK, SKIPPED, UNKNOWN, Check, NameAnswer, Options, Pair, Place

LIGHT = ("icmp", "tcp", "udp", "source", "large")
HEAVY = ("source", "bulk", "connections")  # they load links, so a cluster does them one pair after another
API_NAME = "kubernetes.default.svc"
TARGETS_AT_ONCE = 4  # what a verifier pod checks at the same time
_TARGET_SECONDS = 100.0  # the sum of the pod's own time limits for one target
_SPARE_SECONDS = 30.0


def request_for(targets: list[Place], options: Options, *, heavy: bool = False) -> dict[str, Any]:
    """The body of a POST /check of these targets: the light checks of all at once, or the heavy ones in turn."""
    sizes = {"large_bytes": options.large_bytes, "bulk_bytes": options.bulk_bytes, "connections": options.connections}
    return {
        "targets": [_target(place) for place in targets],
        "targets_at_once": 1 if heavy else TARGETS_AT_ONCE,
        "options": {"checks": list(HEAVY if heavy else LIGHT), **sizes},
    }


def patience(targets: int, *, heavy: bool = False) -> float:
    """Seconds after which an answer about so many targets comes no more."""
    return _SPARE_SECONDS + _TARGET_SECONDS * -(-targets // (1 if heavy else TARGETS_AT_ONCE))


def passes(pair: Pair) -> bool:
    """Whether TCP passes, so that the heavy checks make sense."""
    return any(check.name == "tcp" and check.state == OK for check in pair.checks)


def merged(light: Pair, heavy: Pair | None) -> Pair:
    """Both halves of a pair's checks, in the order of the report; without the heavy half those are skipped."""
    if light.state == UNKNOWN:
        return light
    if heavy is not None and heavy.state == UNKNOWN:
        return replace(light, state=FAILED if light.failed else UNKNOWN, reason=heavy.reason)
    checks = {check.name: check for check in light.checks}
    for name in HEAVY:
        check = next((check for check in heavy.checks if check.name == name), None) if heavy else None
        if name != "source":
            checks[name] = check or Check(name, SKIPPED, "tcp failed")
        elif check is not None and check.state == FAILED:
            checks[name] = check
    ordered = tuple(checks[name] for name in CHECKS if name in checks)
    return replace(light, checks=ordered, state=OK if all(check.state == OK for check in ordered) else FAILED)


def pairs_of(source: Place, targets: list[Place], answer: dict[str, Any]) -> list[Pair]:
    """One pair for each target; unknown where the answer says nothing of it."""
    by_name = {str(entry.get("name")): entry for entry in answer.get("targets") or () if isinstance(entry, dict)}
    return [_pair(source, target, by_name.get(target.label, {})) for target in targets]


def _target(place: Place) -> dict[str, str]:
    return {"name": place.label, "address": place.address, "expect": place.name}


def _pair(source: Place, target: Place, entry: dict[str, Any]) -> Pair:
    checks = tuple(_check(item) for item in entry.get("checks") or () if item.get("name") in CHECKS)
    if not checks:
        return Pair(source, target, UNKNOWN, reason="the verifier pod said nothing of it")
    state = OK if all(check.state == OK for check in checks) else FAILED
    return Pair(source, target, state, checks)


def _check(item: dict[str, Any]) -> Check:
    state = item.get("state") if item.get("state") in (OK, FAILED, SKIPPED) else FAILED
    seen = tuple(map(str, item.get("seen") or ()))
    return Check(str(item["name"]), str(state), str(item.get("reason") or ""), item.get("value"), seen)


def names_request() -> dict[str, Any]:
    """The body of a POST /check that asks the pod's resolver for the API server."""
    return {"targets": [], "names": [API_NAME]}


def names_of(place: Place, answer: dict[str, Any]) -> NameAnswer:
    """What the pod's resolver said."""
    entry: dict[str, Any] = next(iter(answer.get("names") or ()), {})
    ok = bool(entry.get("ok"))
    reason = str(entry.get("reason") or ("" if ok else "no answer"))
    return NameAnswer(place, ok, reason, float(entry.get("milliseconds") or 0.0))


def gateways_request(*clusters: Evidence, ipv6: bool = False) -> dict[str, Any]:
    """The body of a POST /check that pings the tunnel address of each gateway of these clusters, or its IPv6 form."""
    targets = []
    for evidence in clusters:
        for node in evidence.gateways:
            if node in evidence.tunnels:
                tunnel = evidence.tunnels[node]
                targets.append(
                    {"name": f"{evidence.cluster}/{node}", "address": mapped(tunnel) if ipv6 else tunnel},
                )
    return {"targets": targets, "options": {"checks": ["icmp"], "tries": 3}}


def reach_of(answer: dict[str, Any]) -> dict[str, bool]:
    """Which of the gateways answered, by label."""
    return {
        str(entry.get("name")): dig((entry.get("checks") or [{}])[0], "state") == OK
        for entry in answer.get("targets") or ()
    }
