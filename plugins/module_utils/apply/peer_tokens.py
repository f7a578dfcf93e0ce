# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each cluster's credential at each peer: made by the peer, kept by the reader, renewed by its sync part.

A token is replaced only if it is missing, refused, about to end, or for another account or address than now.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from ..client.client import Client
from ..client.tokens import Token, request_token
from ..client.types import ClusterRef, Object
from ..objects.agent import NAMESPACE
from ..objects.services import PEER_LABEL, account_of
from ..plan.types import ClusterPlan
from .stage import Stage
from .types import Options, Result

ISSUED = "fabric.clusterset.io/issued"
EXPIRES = "fabric.clusterset.io/expires"
REFUSED = "fabric.clusterset.io/refused"
ACCOUNT_UID = "fabric.clusterset.io/account-uid"
ENOUGH = 1 / 3  # of its life; the sync part renews it at half, so less means that it could not
IN_CLUSTER_NAME = "kubernetes.default.svc"


@dataclass(frozen=True)
class Door:
    """How a cluster's API server is reached by its peers; ``accounts`` maps a peer's id to its account's uid."""

    server: str
    server_name: str
    ca: str
    accounts: Mapping[str, str]


Wanted = dict[str, list[tuple[str, int]]]
"""Host of the issuer -> (id of the reader, hours of life)."""


async def exchange(stage: Stage, refs: Sequence[ClusterRef], options: Options) -> None:
    """Give every cluster of ``refs`` a credential at every other one, where it has none that is good."""
    doors = await stage.each(lambda client: _door(client, stage.plan.cluster(client.ref.name)), refs)
    held = await stage.each(_held, [ref for ref in refs if ref.name not in stage.failed])
    wanted = _missing(stage, doors, held)
    if options.check:
        for host, peers in _by_reader(stage, wanted).items():
            await_it = Result(changed=True, created=tuple(f"Secret {NAMESPACE}/{account_of(peer)}" for peer in peers))
            stage.results[host] = stage.results.get(host, Result()) + await_it
        return
    issuers = [ref for ref in refs if ref.name in wanted and ref.name not in stage.failed]
    issued = await stage.each(lambda client: _issue(client, wanted[client.ref.name]), issuers)
    readers = {reader for tokens in issued.values() for reader in tokens}

    async def keep(client: Client) -> Result:
        me = stage.plan.cluster(client.ref.name)
        stored = []
        for host, tokens in issued.items():
            if me.cluster_id in tokens:
                peer = stage.plan.cluster(host).cluster_id
                await client.apply(_secret(peer, me.cluster_id, doors[host], tokens[me.cluster_id]))
                stored.append(f"Secret {NAMESPACE}/{account_of(peer)}")
        return Result(changed=bool(stored), updated=tuple(stored), requests=len(stored))

    keeping = [ref for ref in refs if stage.plan.cluster(ref.name).cluster_id in readers]
    await stage.apply(keep, [ref for ref in keeping if ref.name not in stage.failed])


async def accounts(client: Client) -> dict[str, str]:
    """The accounts that peers have in a cluster: the peer's id -> the account's uid."""
    path = f"/api/v1/namespaces/{NAMESPACE}/serviceaccounts"
    found = await client.list(path, label_selector=PEER_LABEL, metadata_only=True)
    return {item["metadata"]["labels"][PEER_LABEL]: item["metadata"]["uid"] for item in found}


async def _door(client: Client, cluster: ClusterPlan) -> Door:
    uids = await accounts(client)
    root = await client.try_get("/api/v1/namespaces/kube-system/configmaps/kube-root-ca.crt")
    own = ((root or {}).get("data") or {}).get("ca.crt", "")
    if cluster.services.api_endpoint:
        return Door(f"https://{cluster.services.api_endpoint}", "", client.ca or own, uids)
    spec = (await client.get("/api/v1/namespaces/default/services/kubernetes"))["spec"]
    address = f"[{spec['clusterIP']}]" if ":" in spec["clusterIP"] else spec["clusterIP"]
    return Door(f"https://{address}:{spec['ports'][0]['port']}", IN_CLUSTER_NAME, own or client.ca, uids)


async def _held(client: Client) -> Mapping[str, Object]:
    """The credentials that a cluster has, by the peer's id."""
    found = await client.list(f"/api/v1/namespaces/{NAMESPACE}/secrets", label_selector=PEER_LABEL)
    return {item["metadata"]["labels"][PEER_LABEL]: item for item in found}


def _missing(stage: Stage, doors: Mapping[str, Door], held: Mapping[str, Mapping[str, Object]]) -> Wanted:
    wanted: Wanted = {}
    for host, door in doors.items():
        issuer = stage.plan.cluster(host)
        for reader_host, secrets in held.items():
            reader = stage.plan.cluster(reader_host)
            if reader_host == host:
                continue
            secret = secrets.get(issuer.cluster_id)
            if secret is None or not _good(secret, reader.cluster_id, door):
                wanted.setdefault(host, []).append((reader.cluster_id, reader.services.token_hours))
    return wanted


def _by_reader(stage: Stage, wanted: Wanted) -> dict[str, list[str]]:
    hosts = {cluster.cluster_id: cluster.host for cluster in stage.plan.clusters}
    found: dict[str, list[str]] = {}
    for issuer, readers in wanted.items():
        for reader, _hours in readers:
            found.setdefault(hosts[reader], []).append(stage.plan.cluster(issuer).cluster_id)
    return found


def _good(secret: Object, reader: str, door: Door) -> bool:
    notes = secret["metadata"].get("annotations") or {}
    data = secret.get("data") or {}
    if not data.get("token") or notes.get(REFUSED) == "true" or notes.get(ACCOUNT_UID) != door.accounts.get(reader):
        return False
    if any(_decoded(data.get(name, "")) != value for name, value in _place(door).items()):
        return False
    life = life_of(notes, datetime.now(UTC))
    return life is not None and life.left > ENOUGH * life.whole


@dataclass(frozen=True)
class Life:
    """Seconds: what is ``left`` of a credential's ``whole`` life; less than nothing when it has ended."""

    left: float
    whole: float


def life_of(notes: Mapping[str, str], now: datetime) -> Life | None:
    """What a Secret's annotations say of its credential's life; None if nothing that can be understood."""
    try:
        issued, expires = (datetime.fromisoformat(notes[name]) for name in (ISSUED, EXPIRES))
        return Life((expires - now).total_seconds(), (expires - issued).total_seconds())
    except (KeyError, ValueError, TypeError):
        return None


def _place(door: Door) -> dict[str, str]:
    return {"server": door.server, "server-name": door.server_name, "ca.crt": door.ca}


async def _issue(client: Client, readers: Sequence[tuple[str, int]]) -> dict[str, Token]:
    """Tokens by reader."""
    return {
        reader: await request_token(client, NAMESPACE, account_of(reader), 3600 * hours) for reader, hours in readers
    }


def _secret(peer: str, reader: str, door: Door, token: Token) -> Object:
    """What the reader keeps; fields that only the sync part sets are set too, so that they are taken over."""
    notes = {
        ISSUED: datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        EXPIRES: token.until,
        ACCOUNT_UID: door.accounts[reader],
        REFUSED: "false",
    }
    data = {**_place(door), "token": token.text, "account": account_of(reader)}
    metadata = {
        "name": account_of(peer),
        "namespace": NAMESPACE,
        "labels": {PEER_LABEL: peer},
        "annotations": notes,
    }
    encoded = {name: base64.b64encode(value.encode()).decode() for name, value in data.items()}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": "Opaque", "data": encoded}


def _decoded(text: str) -> str:
    return base64.b64decode(text).decode()
