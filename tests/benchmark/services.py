# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How fast services follow, and what that costs: ``python -m tests.benchmark.services``.

Real API servers without nodes, joined as by the playbook; the first cluster exports, all others import. A time runs
from the moment before a change is sent to the first API server until a watch of the last one shows what came of it.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import os
import signal
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from ansible_collections.clusterset.fabric.plugins.module_utils.client.client import Client
from ansible_collections.clusterset.fabric.plugins.module_utils.client.errors import ApiError
from tests.integration.apiservers.clusterset import EPS, MCS, Clusterset, Object, plan_of
from tests.integration.apiservers.servers import Process, Server, servers

SPACE = "bench"
LANES = 12
FILL_LIMIT = 900.0
WATCH_SECONDS = 1700.0
SETTLE_SECONDS = 3.0
STRAGGLER_SECONDS = 20.0
TARGET_SECONDS = 0.25
TICKS = os.sysconf("SC_CLK_TCK")
SOURCE = "multicluster.kubernetes.io/source-cluster"
SERVICE = "multicluster.kubernetes.io/service-name"


@dataclass
class Seen:
    """When each cluster has first shown something: an endpoint's address, or a usable import's name."""

    first: dict[tuple[str, str], float] = field(default_factory=dict)

    def note(self, cluster: str, what: str) -> None:
        self.first.setdefault((cluster, what), time.monotonic())

    def everywhere(self, clusters: list[str], what: str) -> float | None:
        """When the last of them has shown it; None if one has not."""
        times = [self.first.get((cluster, what)) for cluster in clusters]
        return None if None in times else max(each for each in times if each)


async def watched(client: Client, path: str, **selector: str) -> AsyncIterator[Object]:
    """Objects as a watch shows them; a kind that was defined a moment ago is not served at once."""
    while True:
        try:
            async for _event, item in client.watch(path, timeout=WATCH_SECONDS, **selector):
                yield item
        except ApiError as error:
            if error.status != 429:
                raise
        await asyncio.sleep(0.5)


async def follow(made: Clusterset, cluster: str, seen: Seen) -> None:
    """Note the arrival of imported addresses and of imports with an address of their own."""

    async def slices() -> None:
        path = f"{EPS}/namespaces/{SPACE}/endpointslices"
        async for item in watched(made.client[cluster], path, label_selector=SOURCE):
            for row in item.get("endpoints") or ():
                seen.note(cluster, row["addresses"][0])

    async def imports() -> None:
        path = f"{MCS}/namespaces/{SPACE}/serviceimports"
        async for item in watched(made.client[cluster], path):
            if (item.get("spec") or {}).get("ips"):
                seen.note(cluster, item["metadata"]["name"])

    await asyncio.gather(slices(), imports())


def addresses(numbers: Iterator[int], count: int) -> list[str]:
    """Addresses of pods that were never used before."""
    return [f"10.41.{number >> 8}.{number & 255}" for number in itertools.islice(numbers, count)]


async def at_rate(rate: float, work: list[Callable[[], Awaitable[None]]]) -> None:
    """Begin one piece of work each 1/rate seconds, whether or not earlier ones have ended."""
    began, tasks = time.monotonic(), []
    for number, each in enumerate(work):
        await asyncio.sleep(max(0.0, began + number / rate - time.monotonic()))
        tasks.append(asyncio.ensure_future(each()))
    await asyncio.gather(*tasks)


async def fill(made: Clusterset, source: str, names: list[str], rows: dict[str, list[str]], *, wish: bool) -> None:
    lanes = asyncio.Semaphore(LANES)
    ports = [{"name": "tcp", "protocol": "TCP", "port": 42, "targetPort": 8042}]

    async def one(name: str) -> None:
        async with lanes:
            await made.service(source, (SPACE, name), {"selector": {"app": name}, "ports": ports})
            await made.endpoints(source, (SPACE, name), rows[name])
            if wish:
                await made.wish(source, (SPACE, name))

    await asyncio.gather(*map(one, names))


async def beside(watches: list[asyncio.Future[None]], work: Awaitable[None]) -> None:
    """Do the work; a watch that ends before is an error."""
    working = asyncio.ensure_future(work)
    done, _pending = await asyncio.wait([working, *watches], return_when=asyncio.FIRST_COMPLETED)
    for each in done:
        each.result()
    assert working.done(), "a watch has ended"


async def until_seen(seen: Seen, others: list[str], what: list[str], limit: float) -> int:
    """Wait until all is everywhere; return how much is missing in the end."""
    ends, left = time.monotonic() + limit, what
    while left and time.monotonic() < ends:
        await asyncio.sleep(0.1)
        left = [each for each in left if seen.everywhere(others, each) is None]
    return len(left)


def latencies(seen: Seen, others: list[str], sent: dict[str, float]) -> str:
    """Percentiles of what arrived, and how much did not."""
    found = [(seen.everywhere(others, what), at) for what, at in sent.items()]
    times = sorted(end - at for end, at in found if end is not None)
    if len(times) < 2:
        return f"{len(times)} of {len(sent)} arrived"
    cuts = statistics.quantiles(times, n=100)
    verdict = "" if cuts[98] <= TARGET_SECONDS else f"  above the {1000 * TARGET_SECONDS:.0f} ms aimed at"
    return (
        f"p50 {1000 * cuts[49]:.0f} ms, p99 {1000 * cuts[98]:.0f} ms, worst {1000 * times[-1]:.0f} ms,"
        f" {len(sent) - len(times)} of {len(sent)} missing{verdict}"
    )


@dataclass
class Cost:
    """Processor time of processes over a span; ``memory`` is read at its end."""

    processes: dict[str, Process]
    began: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self.before = {name: self._seconds(each) for name, each in self.processes.items()}

    @staticmethod
    def _stat(process: Process, name: str) -> str:
        assert process.running
        return Path(f"/proc/{process.running.pid}/{name}").read_text()

    def _seconds(self, process: Process) -> float:
        fields = self._stat(process, "stat").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def lines(self) -> Iterator[str]:
        span = time.monotonic() - self.began
        for name, each in sorted(self.processes.items()):
            used = (self._seconds(each) - self.before[name]) / span
            rss = int(self._stat(each, "statm").split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20
            yield f"  {name:<24} {rss:6.0f} MiB  {100 * used:5.1f} % of a core"


def cost_of(made: Clusterset) -> Cost:
    servers_ = {f"{name} API server": server.api for name, server in made.clusters.items()}
    return Cost({f"{name} sync part": part for name, part in made.parts.items()} | servers_)


def say(text: str) -> None:
    print(text, flush=True)


async def measure(made: Clusterset, options: argparse.Namespace) -> None:
    """Fill, then change, then export at a rate, and tell what each took."""
    source, *others = sorted(made.clusters)
    seen = Seen()
    await made.make_namespace(SPACE)
    watches = [asyncio.ensure_future(follow(made, cluster, seen)) for cluster in others]
    try:
        await beside(watches, _measure(made, options, source, others, seen))
    finally:
        for watch in watches:
            watch.cancel()
        await asyncio.gather(*watches, return_exceptions=True)


async def _measure(made: Clusterset, options: argparse.Namespace, source: str, others: list[str], seen: Seen) -> None:
    numbers = itertools.count(256)
    names = [f"s{number:04}" for number in range(options.services)]
    rows = {name: addresses(numbers, options.endpoints) for name in names}
    began = time.monotonic()
    await fill(made, source, names, rows, wish=True)
    written = time.monotonic() - began
    missing = await until_seen(seen, others, [row for name in names for row in (name, rows[name][-1])], FILL_LIMIT)
    say(
        f"{options.services} services of {options.endpoints} endpoints in {len(others)} other clusters: all there"
        f" {time.monotonic() - began:.0f} s after the first, {written:.0f} s of it to write them; {missing} missing"
    )
    await asyncio.sleep(SETTLE_SECONDS)
    say("idle:")
    cost = cost_of(made)
    await asyncio.sleep(options.seconds / 4)
    for line in cost.lines():
        say(line)
    await _changes(made, options, source, others, seen, rows, numbers)
    await _exports(made, options, source, others, seen, numbers)


async def _changes(
    made: Clusterset,
    options: argparse.Namespace,
    source: str,
    others: list[str],
    seen: Seen,
    rows: dict[str, list[str]],
    numbers: Iterator[int],
) -> None:
    sent: dict[str, float] = {}

    async def change(name: str) -> None:
        marker = addresses(numbers, 1)
        rows[name] = rows[name][1:] + marker
        sent[marker[0]] = time.monotonic()
        await made.endpoints(source, (SPACE, name), rows[name])

    cost = cost_of(made)
    names = itertools.islice(itertools.cycle(sorted(rows)), int(options.rate * options.seconds))
    await at_rate(options.rate, [lambda name=name: change(name) for name in names])  # type: ignore[misc]
    await until_seen(seen, others, list(sent), STRAGGLER_SECONDS)
    say(f"endpoint change to all imports, {options.rate:g} a second: {latencies(seen, others, sent)}")
    for line in cost.lines():
        say(line)


async def _exports(
    made: Clusterset, options: argparse.Namespace, source: str, others: list[str], seen: Seen, numbers: Iterator[int]
) -> None:
    names = [f"x{number:04}" for number in range(int(options.rate * options.seconds / 4))]
    await fill(made, source, names, {name: addresses(numbers, options.endpoints) for name in names}, wish=False)
    await asyncio.sleep(SETTLE_SECONDS)
    sent: dict[str, float] = {}

    async def export(name: str) -> None:
        sent[name] = time.monotonic()
        await made.wish(source, (SPACE, name))

    await at_rate(options.rate, [lambda name=name: export(name) for name in names])  # type: ignore[misc]
    await until_seen(seen, others, names, STRAGGLER_SECONDS)
    say(f"export to all imports, {options.rate:g} a second: {latencies(seen, others, sent)}")


async def run(options: argparse.Namespace, folder: Path, started: dict[str, Server]) -> None:
    """Join the clusters and measure."""
    async with Clusterset(started, folder, plan_of(started)) as made:
        began = time.monotonic()
        await made.share()
        say(f"joined after {time.monotonic() - began:.1f} s")
        for name in started:
            await made.start(name)
        await measure(made, options)


def main() -> None:
    """Print what was measured."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmark.services", description=__doc__)
    parser.add_argument("--clusters", type=int, default=3)
    parser.add_argument("--services", type=int, default=1000)
    parser.add_argument("--endpoints", type=int, default=10)
    parser.add_argument("--rate", type=float, default=20.0, help="changes a second")
    parser.add_argument("--seconds", type=float, default=60.0, help="how long changes go on")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # or the API servers would outlive us
    names = [f"c{number:02}" for number in range(1, options.clusters + 1)]
    with suppress(KeyboardInterrupt), tempfile.TemporaryDirectory() as folder, servers(Path(folder), names) as started:
        say(f"{len(names)} API servers, {os.cpu_count()} cores")
        asyncio.run(run(options, Path(folder), started))


if __name__ == "__main__":
    main()
