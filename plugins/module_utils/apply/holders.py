# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Access for people and jobs: an account of their own in each cluster, one ClusterRole, a token for some hours."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from ..client.client import Client
from ..client.fleet import fleet
from ..client.tokens import request_token
from ..client.types import Object, Outcome
from ..errors import FabricError
from ..model.types import ClusterModel
from ..objects.agent import NAMESPACE
from ..objects.holders import HOLDER_LABEL, holder_account, holder_binding
from ..objects.rbac import RBAC
from .types import Options, Result

MOST_HOURS = 168
NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,51}[a-z0-9])?")
ROLE = re.compile(r"[^/%\s]{1,253}")
_ACCOUNTS = f"/api/v1/namespaces/{NAMESPACE}/serviceaccounts"
_BINDINGS = f"/apis/{RBAC}/v1/clusterrolebindings"
_OUTLIVING = {  # resource -> verbs by which a holder can take what is not bound to the account
    "secrets": {"get", "list", "watch"},
    "serviceaccounts": {"impersonate"},
    "serviceaccounts/token": {"create"},
}


@dataclass(frozen=True)
class Access:
    """How a holder reaches one cluster; ``token`` is "" in check mode. ``until`` is RFC 3339, as the server said."""

    server: str
    ca: str
    server_name: str = ""
    token: str = field(default="", repr=False)
    until: str = ""


@dataclass(frozen=True)
class Granted:
    """What was given in one cluster; ``note`` is what a person should know of it, or ""."""

    result: Result
    access: Access
    note: str = ""


def faults(name: str, role: str, hours: int) -> list[FabricError]:
    """What is wrong with a wish, all of it at once."""
    found = []
    if not NAME.fullmatch(name):
        fix = "-e fabric_kubeconfig_name=NAME: a person or a job, of at most 53 lower-case letters, digits and dashes"
        found.append(FabricError(f"fabric_kubeconfig_name: {name!r} is no name", fix=fix))
    if not ROLE.fullmatch(role) or role in (".", ".."):
        fix = "name a ClusterRole, such as view"
        found.append(FabricError(f"fabric_kubeconfig_role: {role!r} is no name of a ClusterRole", fix=fix))
    if not 1 <= hours <= MOST_HOURS:
        fix = f"choose from 1 to {MOST_HOURS}, and run this again when they have passed"
        found.append(FabricError(f"fabric_kubeconfig_hours: {hours} is out of range", fix=fix))
    return found


async def grant_all(
    models: Sequence[ClusterModel], name: str, role: str, hours: int, options: Options
) -> dict[str, Outcome[Granted]]:
    """Give a holder access to all these clusters at once."""

    async def give(client: Client) -> Granted:
        given = await grant(client, name, role, hours, options)
        return replace(given, result=replace(given.result, requests=client.requests))

    return await fleet([model.ref for model in models], give, deadline=_deadline(models))


async def revoke_from(models: Sequence[ClusterModel], name: str, options: Options) -> dict[str, Outcome[Result]]:
    """End a holder's access to all these clusters at once."""

    async def take(client: Client) -> Result:
        return replace(await revoke(client, name, options), requests=client.requests)

    return await fleet([model.ref for model in models], take, deadline=_deadline(models))


def _deadline(models: Sequence[ClusterModel]) -> float:
    return max((model.deadline for model in models), default=0)


async def grant(client: Client, name: str, role: str, hours: int, options: Options) -> Granted:
    """Give a holder access to a cluster. With another role than before, the account is made anew: old tokens end.

    :raises FabricError: the cluster has no such ClusterRole, is not joined, or is not reached in a safe way.
    """
    where = _place(client)
    found = await client.try_get(f"/apis/{RBAC}/v1/clusterroles/{role}")
    if found is None:
        fix = "choose one that `kubectl get clusterroles` lists, or make it"
        raise FabricError(f"it has no ClusterRole {role!r}", cluster=client.ref.name, fix=fix)
    if await client.try_get(f"/api/v1/namespaces/{NAMESPACE}") is None:
        fix = "run site.yml first"
        raise FabricError(f"it has no namespace {NAMESPACE}", cluster=client.ref.name, fix=fix)
    account, binding = holder_account(name), holder_binding(name, role)
    bound = await client.try_get(await client.path_of(binding))
    revoked = Result()
    if bound and bound["roleRef"]["name"] != role:
        revoked, bound = await revoke(client, name, options), None
    known = await client.try_get(await client.path_of(account)) is not None
    if not (options.check and revoked.changed):  # a dry run would meet the old binding, whose role cannot change
        await client.apply(binding, dry_run=options.check)  # the binding first: it is what may be refused
    note = _note(role, found.get("rules") or ())
    if options.check:
        return Granted(revoked + _made(account, binding, known=known, bound=bool(bound)), where, note)
    await client.apply(account)
    token = await request_token(client, NAMESPACE, account["metadata"]["name"], 3600 * hours)
    await client.apply(holder_account(name, token.until))
    access = Access(where.server, where.ca, where.server_name, token.text, token.until)
    return Granted(revoked + _made(account, binding, known=known, bound=bool(bound)), access, note)


async def revoke(client: Client, name: str, options: Options) -> Result:
    """End a holder's access: the rights at once, the tokens within ten seconds, since API servers remember them."""
    return await _remove(client, f"{HOLDER_LABEL}={name}", options)


async def revoke_all(client: Client, options: Options) -> Result:
    """End the access of everybody who has one from us."""
    return await _remove(client, HOLDER_LABEL, options)


async def _remove(client: Client, label: str, options: Options) -> Result:
    gone = []
    for kind, path in (("ClusterRoleBinding ", _BINDINGS), (f"ServiceAccount {NAMESPACE}/", _ACCOUNTS)):
        for item in await client.list(path, label_selector=label, metadata_only=True):
            gone.append(f"{kind}{item['metadata']['name']}")
            if not options.check:
                await client.delete(f"{path}/{item['metadata']['name']}")
    return Result(changed=bool(gone), pruned=tuple(gone))


def _made(account: Object, binding: Object, *, known: bool, bound: bool) -> Result:
    """There is a new token in any case, so something has always changed."""
    titles = {f"ServiceAccount {NAMESPACE}/{account['metadata']['name']}": known}
    titles[f"ClusterRoleBinding {binding['metadata']['name']}"] = bound
    created = tuple(title for title, there in titles.items() if not there)
    return Result(changed=True, created=created, unchanged=len(titles) - len(created))


def _place(client: Client) -> Access:
    """How the control host reaches the cluster, if a stranger's token may go that way."""
    access = client.access
    if client.ref.in_cluster:
        text = "its API is known here by an address inside the cluster only"
        raise FabricError(text, cluster=client.ref.name, fix="set fabric_kubeconfig for it")
    if not access.verified:
        text = f"{access.server} is not verified by its kubeconfig context, and a token must not go to a stranger"
        fix = "use https, with certificate-authority-data in place of insecure-skip-tls-verify"
        raise FabricError(text, cluster=client.ref.name, fix=fix)
    return Access(access.server, access.ca, access.tls_server_name or "")


def _note(role: str, rules: Iterable[Object]) -> str:
    """A warning, if what the holder can take with this role outlives the account."""
    for rule in rules:
        verbs, resources = set(rule.get("verbs") or ()), set(rule.get("resources") or ())
        if not {"", "*"} & set(rule.get("apiGroups") or ()):
            continue
        for resource, harmful in _OUTLIVING.items():
            found = verbs & {"*", *harmful}
            if found and resources & {"*", resource}:
                return f"role {role} has {min(found)} on {resource}: what is taken by that outlives the account"
    return ""
