# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long a token may live that an account of ours makes: who may make tokens may else make one for a century."""

from __future__ import annotations

from typing import Any

from .agent import NAMESPACE

NAME = f"{NAMESPACE}-token-life"
WEEK = 168  # hours; no life below it is refused, so that clusters may disagree while one of them is away
_GROUP = "admissionregistration.k8s.io"

Object = dict[str, Any]


def token_limit(hours: int) -> list[Object]:
    """The policy and its binding. :param hours: the longest life that a cluster of the set asks for."""
    most = max(WEEK, hours)
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["serviceaccounts/token"]}
    ours = f"request.userInfo.username.startsWith('system:serviceaccount:{NAMESPACE}:')"
    validation = {
        "expression": f"object.spec.expirationSeconds <= {3600 * most}",
        "message": f"an account of {NAMESPACE} may make tokens for at most {most} h",
        "reason": "Forbidden",
    }
    spec = {
        "failurePolicy": "Fail",
        "matchConstraints": {"resourceRules": [rule]},
        "matchConditions": [{"name": "by-an-account-of-ours", "expression": ours}],
        "validations": [validation],
    }
    binding = {"policyName": NAME, "validationActions": ["Deny"]}
    return [_object("ValidatingAdmissionPolicy", spec), _object("ValidatingAdmissionPolicyBinding", binding)]


def _object(kind: str, spec: Object) -> Object:
    return {"apiVersion": f"{_GROUP}/v1", "kind": kind, "metadata": {"name": NAME}, "spec": spec}
