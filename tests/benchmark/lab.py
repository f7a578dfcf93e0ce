"""The race on real API servers: fewer objects, each run in a namespace of its own, everything removed at the end."""

from __future__ import annotations

import asyncio
import json
import os
import random
from collections.abc import Callable
from pathlib import Path

from ansible_collections.clusterset.fabric.plugins.module_utils.apply.bundle import delete_bundle
from ansible_collections.clusterset.fabric.plugins.module_utils.apply.differences import essence
from ansible_collections.clusterset.fabric.plugins.module_utils.apply.types import Options
from ansible_collections.clusterset.fabric.plugins.module_utils.client.client import Client
from ansible_collections.clusterset.fabric.plugins.module_utils.client.fleet import fleet
from ansible_collections.clusterset.fabric.plugins.module_utils.client.types import ClusterRef

from .contenders import ROOT, fill, prepare
from .measure import run
from .objects import objects
from .race import UnequalError
from .table import Figures

NAMES = ("east", "west", "north")
SPACE = "fabric-bench"


def running_lab() -> Path | None:
    """The lab's kubeconfig if all its API servers answer; it is never started from here."""
    path = Path(os.environ.get("LAB_HOME") or ROOT / ".lab") / "kubeconfig"
    if not path.exists():
        return None

    async def alive(client: Client) -> bool:
        return bool(await client.get("/version"))

    outcomes = asyncio.run(fleet(_refs(path), alive, deadline=5))
    return path if all(outcome.value for outcome in outcomes.values()) else None


def lab_race(
    folder: Path, kubeconfig: Path, collections: str, count: int, rounds: int, say: Callable[[str], None]
) -> Figures:
    """Ours and the list form on the lab's clusters; requests are not counted there."""
    hosts = {name: {"fabric_kubeconfig": str(kubeconfig), "fabric_context": f"kind-{name}"} for name in NAMES}
    total = len(hosts) * count
    figures = Figures(f"lab: {len(hosts)} real API servers x {count} objects, {rounds} rounds, medians", {})
    figures.objects = dict.fromkeys(("empty play", "ours", "list"), total)
    figures.base = {"ours": "empty play", "list": "empty play"}
    field = prepare(folder, hosts, collections)
    used: list[tuple[str, str]] = []
    try:
        for number in range(rounds):
            figures.add("empty play", run(field.playbook("empty"), field.environment(), folder / "empty.log"), 0)
            left = {}
            for name in random.sample(["ours", "list"], 2):
                space, bundle = f"{SPACE}-{name}-{number}", f"bench-{name}-{number}"
                used.append((space, bundle))
                say(f"lab round {number + 1} of {rounds}: {name}")
                fill(field, {host: objects(count, space, bundle) for host in hosts}, bundle)
                figures.add(name, run(field.playbook(name), field.environment(), folder / f"{name}.log"), 0)
                left[name] = asyncio.run(_left(kubeconfig, space, bundle, count))
            if left["ours"] != left["list"]:
                raise UnequalError("ours and the list form left different objects in the lab")
    finally:
        asyncio.run(_tidy(kubeconfig, used))
    return figures


async def _left(kubeconfig: Path, space: str, bundle: str, count: int) -> dict[str, str]:
    """What each cluster holds of these objects, with the run's own names taken out."""
    wanted = objects(count, space, bundle)

    async def read(client: Client) -> str:
        found = [await client.get(await client.path_of(obj)) for obj in wanted]
        text = json.dumps([essence(obj) for obj in found], sort_keys=True)
        for obj in wanted[:1]:
            label = next(iter(obj["metadata"]["labels"].values()))
            text = text.replace(space, "SPACE").replace(label, "LABEL")
        return text

    outcomes = await fleet(_refs(kubeconfig), read, deadline=60)
    return {name: str(outcome.value or outcome.error) for name, outcome in outcomes.items()}


async def _tidy(kubeconfig: Path, used: list[tuple[str, str]]) -> None:
    async def remove(client: Client) -> None:
        for space, bundle in used:
            await delete_bundle(client, bundle, Options(wait=False))
            await client.delete(f"/api/v1/namespaces/{space}")

    await fleet(_refs(kubeconfig), remove, deadline=120)


def _refs(kubeconfig: Path) -> list[ClusterRef]:
    return [ClusterRef(name, str(kubeconfig), f"kind-{name}") for name in NAMES]
