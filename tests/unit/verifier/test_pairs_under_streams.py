# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's half of the streams against the pods' half: real verifiers in namespaces, no API server between."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any, cast

import pytest

from ansible_collections.clusterset.fabric.plugins.module_utils.client.client import Client
from ansible_collections.clusterset.fabric.plugins.module_utils.client.types import ClusterRef
from ansible_collections.clusterset.fabric.plugins.module_utils.errors import FabricError
from ansible_collections.clusterset.fabric.plugins.module_utils.status.evidence import Evidence
from ansible_collections.clusterset.fabric.plugins.module_utils.status.post import Post
from ansible_collections.clusterset.fabric.plugins.module_utils.status.stage import Stage
from ansible_collections.clusterset.fabric.plugins.module_utils.status.streams import Streams
from ansible_collections.clusterset.fabric.plugins.module_utils.status.types import Place

from .conftest import TOKEN, Net
from .test_streams import ASK, DROP

pytestmark = pytest.mark.root


class Wire:
    """Takes the place of a Stage: asks the pod inside its namespace instead of through an API server."""

    def __init__(self, net: Net, token: str) -> None:
        self.net, self.token = net, token

    async def ask(self, place: Place, what: str, request: dict[str, Any], *, timeout: float) -> dict[str, Any]:
        text = json.dumps({**request, "token": self.token})
        name = what.removeprefix("stream/")
        try:
            answer = await asyncio.to_thread(self.net.run, place.pod, sys.executable, "-c", ASK, name, text=text)
        except AssertionError as error:
            raise FabricError(str(error).strip().rpartition("\n")[2]) from None
        return cast(dict[str, Any], json.loads(answer))


class Named:
    """What a Post asks its client: whose it is."""

    def __init__(self, name: str) -> None:
        self.ref = ClusterRef(name, None, None, False)


def posts(net: Net, token: str = TOKEN) -> list[Post]:
    """Clusters `left` and `right` with one pod each; each is the other's peer."""
    found = []
    for name, other, address in (("left", "right", "10.77.1.2"), ("right", "left", "10.77.2.2")):
        stage, client = cast(Stage, Wire(net, token)), cast(Client, Named(name))
        evidence = Evidence(name, name, peers=frozenset({other}))
        found.append(Post(client, stage, "", evidence, [Place(name, "", name, address=address)]))
    return found


async def test_both_directions_are_measured_and_a_cut_is_seen_in_both(net: Net) -> None:
    streams = Streams(posts(net))
    await streams.start()
    quiet = await streams.collect()
    assert [stream.label for stream in quiet.streams] == ["left -> right", "right -> left"]
    assert quiet.lost == 0
    assert not any(stream.unknown or stream.broken or stream.strangers for stream in quiet.streams), quiet
    await streams.start()
    await asyncio.to_thread(net.nft, DROP)
    await asyncio.sleep(0.4)
    await asyncio.to_thread(net.run, "middle", "nft", "flush", "ruleset")
    await asyncio.sleep(1)
    cut = await streams.collect()
    assert all(stream.lost > 20 and stream.gap > 300 for stream in cut.streams), cut
    assert not any(stream.broken for stream in cut.streams), cut


async def test_pairs_left_out_and_clusters_that_are_no_peers_have_no_stream(net: Net) -> None:
    streams = Streams(posts(net))
    streams.left_out.add(("left", "right"))
    streams.posts[1].evidence = Evidence("right", "right")
    await streams.start()
    assert (await streams.collect()).streams == ()


async def test_a_pod_that_refuses_is_unknown(net: Net) -> None:
    streams = Streams(posts(net, token="guess"))
    await streams.start()
    found = await streams.collect()
    assert len(found.streams) == 2
    assert all("403" in stream.unknown for stream in found.streams), found
