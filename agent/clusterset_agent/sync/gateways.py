# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The peers' gateways as they publish them: told to this cluster's agents, so that they need no playbook.

The playbook owns the spec of a Peer; what has changed at the peer since then is in its ``status.current``.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import logging
import re
from collections.abc import Iterable

from ansible_collections.clusterset.fabric.plugins.module_utils.client.client import MERGE

from ..cluster_api import Client, FabricError
from ..probe_points import may_be_held
from ..wanted import in_force, planned
from .choice import MOST_ORDINALS
from .engine import Engine
from .names import OURS, Object
from .peer import Peer
from .settings import SyncSettings
from .standing import Standing

log = logging.getLogger("clusterset.sync")

_EVERY = 2.0
"""Seconds after which all peers are looked at without news: one may have come back to life, a write may have failed."""
_MOST_KEYS = 2
_KEY = re.compile(r"[A-Za-z0-9+/=]{1,64}")
_NODE = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")


def rows_of(peer: Object, published: Iterable[Object]) -> tuple[list[Object], list[str]]:
    """Return a Peer's gateways as its own cluster publishes them, by ordinal, and what is wrong with the others.

    :param peer: the Peer object. :param published: the Gateway objects of that cluster.
    """
    before = in_force(peer)["gateways"]
    ordinals = {row["node"]: row["ordinal"] for row in before}
    # the plan gives no endpoints to those that are behind a NAT; what they call their address means nothing here
    hidden = not any(row["endpoint"] for row in peer["spec"]["gateways"])
    rows: list[Object] = []
    faults: list[str] = []

    def rank(item: Object) -> tuple[bool, str]:
        """Of two that claim one ordinal the one that we know by it has it."""
        name = item["metadata"]["name"]
        return ordinals.get(name) != (item.get("spec") or {}).get("ordinal"), name

    for item in sorted(published, key=rank):
        try:
            row = _row(item.get("spec") or {}, ipaddress.IPv4Network(peer["spec"]["tunnelCIDR"]), hidden=hidden)
            for name in ("ordinal", "tunnelAddress"):
                if any(row[name] == other[name] for other in rows):
                    raise ValueError(f"{name} {row[name]} is another gateway's")
            rows.append(row)
        except (KeyError, TypeError, ValueError) as error:
            faults.append(f"gateway {item['metadata']['name']}: {error!r}")
    return sorted(rows, key=lambda row: int(row["ordinal"])), faults


def _row(spec: Object, network: ipaddress.IPv4Network, *, hidden: bool) -> Object:
    """One Gateway as a row of a Peer; a peer is not trusted, and can claim no address but its own.

    :raises KeyError, TypeError, ValueError: naming what cannot be used.
    """
    tunnel, ordinal = ipaddress.IPv4Address(spec["tunnelAddress"]), int(spec["ordinal"])
    if not may_be_held(tunnel, network):
        raise ValueError(f"tunnel address {tunnel} is none of {network}")
    if not 0 <= ordinal < MOST_ORDINALS:
        raise ValueError(f"ordinal {ordinal} is none")
    keys = {int(key["generation"]): _matched(_KEY, key["publicKey"]) for key in spec["keys"]}
    if len(keys) > _MOST_KEYS:
        raise ValueError(f"it has {len(keys)} keys")
    return {
        "node": _matched(_NODE, spec["node"]),
        "ordinal": ordinal,
        "endpoint": "" if hidden else str(ipaddress.IPv4Address(spec["endpoint"])),
        "tunnelAddress": str(tunnel),
        "keys": [{"generation": number, "publicKey": key} for number, key in sorted(keys.items())],
    }


def _matched(pattern: re.Pattern[str], text: str) -> str:
    if not pattern.fullmatch(text):
        raise ValueError(f"{text!r} cannot be used")
    return text


class PeerGateways:
    """Keeps ``status.current`` of each Peer as long as the peer answers; of one that does not, the last known stays."""

    def __init__(self, client: Client, settings: SyncSettings, engine: Engine) -> None:
        self._client = client
        self._settings = settings
        self._engine = engine
        self._news = asyncio.Event()

    def wake(self) -> None:
        """Look soon: a peer's gateways, or a Peer object, have changed."""
        self._news.set()

    async def run(self) -> None:
        """Follow all peers until cancelled."""
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), _EVERY)
            self._news.clear()
            for name, peer in list(self._engine.peers.items()):
                try:
                    await self._follow(name, peer)
                except FabricError as error:
                    log.warning("gateways of a peer not told", extra={"peer": name, "error": str(error)})
                except Exception:  # what one peer publishes must not stop the others
                    log.exception("gateways of a peer cannot be understood", extra={"peer": name})

    async def _follow(self, name: str, peer: Peer) -> None:
        item = self._engine.local.peers.of((name, "")).get(name)
        alive = self._engine.standings.get(name) is Standing.ALIVE and peer.gateways.connected
        if item is None or not alive or not self._engine.cluster or not item["spec"]["links"]:
            return
        rows, faults = rows_of(item, peer.gateways.named.values())
        # a peer without any gateway is on its way out, or in trouble: what is known does no harm, and may still work
        if not rows or rows == in_force(item)["gateways"]:
            return
        current = {"planned": planned(item["spec"]), "gateways": rows}
        path = f"/apis/{OURS}/namespaces/{self._settings.namespace}/peers/{name}/status"
        await self._client.request("PATCH", path, body={"status": {"current": current}}, content_type=MERGE)
        log.info("gateways of a peer", extra={"peer": name, "nodes": [row["node"] for row in rows], "faults": faults})
