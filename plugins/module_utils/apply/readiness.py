# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Is it ready? Pure answers from an object's own status, with what to tell who waits for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..client.types import Object


@dataclass(frozen=True)
class State:
    """``text`` is like ``2/3 ready``; ``hopeless`` says that waiting longer will not help."""

    ready: bool
    text: str
    hopeless: bool = False


def state_of(obj: Object) -> State:
    """The state of a stored object; kinds without a notion of readiness are ready."""
    check = _CHECKS.get(obj["kind"])
    return check(obj) if check else State(True, "there")


def waits_for(obj: Object) -> bool:
    """True for kinds that take time to become ready."""
    return obj["kind"] in _CHECKS


def _count(obj: Object, name: str) -> int:
    return int((obj.get("status") or {}).get(name) or 0)


def _seen(obj: Object) -> bool:
    """The controller has looked at the newest generation."""
    return _count(obj, "observedGeneration") >= int(obj["metadata"].get("generation") or 0)


def _daemon_set(obj: Object) -> State:
    desired = _count(obj, "desiredNumberScheduled")
    ready = _count(obj, "numberReady")
    if not _seen(obj):
        return State(False, "not yet looked at")
    strategy = ((obj.get("spec") or {}).get("updateStrategy") or {}).get("type")
    # with OnDelete old pods stay on purpose, so only their readiness counts
    updated = desired if strategy == "OnDelete" else _count(obj, "updatedNumberScheduled")
    current = min(ready, updated, _count(obj, "numberAvailable"))
    return State(current >= desired, f"{current}/{desired} ready")


def _deployment(obj: Object) -> State:
    replicas = (obj.get("spec") or {}).get("replicas")
    desired = 1 if replicas is None else int(replicas)
    if not _seen(obj):
        return State(False, "not yet looked at")
    current = min(_count(obj, "updatedReplicas"), _count(obj, "availableReplicas"))
    old = _count(obj, "replicas") - _count(obj, "updatedReplicas")
    stuck = _condition(obj, "Progressing").get("reason") == "ProgressDeadlineExceeded"
    text = f"{current}/{desired} ready" + (f", {old} old to go" if old > 0 else "")
    return State(current >= desired and old <= 0, text, stuck)


def _stateful_set(obj: Object) -> State:
    replicas = (obj.get("spec") or {}).get("replicas")
    desired = 1 if replicas is None else int(replicas)
    current = min(_count(obj, "updatedReplicas"), _count(obj, "readyReplicas"))
    return State(_seen(obj) and current >= desired, f"{current}/{desired} ready")


def _job(obj: Object) -> State:
    failed = _condition(obj, "Failed")
    if failed.get("status") == "True":
        return State(False, f"failed: {failed.get('message') or failed.get('reason')}", hopeless=True)
    done = _condition(obj, "Complete").get("status") == "True"
    return State(done, "complete" if done else "running")


def _definition(obj: Object) -> State:
    refused = _condition(obj, "NamesAccepted")
    if refused.get("status") == "False":
        return State(False, f"its names are taken: {refused.get('message')}", hopeless=True)
    done = _condition(obj, "Established").get("status") == "True"
    return State(done, "established" if done else "not yet established")


def _api_service(obj: Object) -> State:
    condition = _condition(obj, "Available")
    done = condition.get("status") == "True"
    return State(done, "available" if done else f"not available: {condition.get('message') or 'no word yet'}")


def _namespace(obj: Object) -> State:
    phase = (obj.get("status") or {}).get("phase") or "Active"
    return State(phase == "Active", phase.lower())


def _condition(obj: Object, name: str) -> dict[str, str]:
    conditions = (obj.get("status") or {}).get("conditions") or ()
    return next((condition for condition in conditions if condition.get("type") == name), {})


_CHECKS: dict[str, Callable[[Object], State]] = {
    "APIService": _api_service,
    "CustomResourceDefinition": _definition,
    "DaemonSet": _daemon_set,
    "Deployment": _deployment,
    "Job": _job,
    "Namespace": _namespace,
    "StatefulSet": _stateful_set,
}
