"""The stub as a process of its own: `python -m tests.benchmark.stub FOLDER COUNT`.

Prints the port of its control connection. There, a line `reset` empties all clusters, and `tell` is answered with what
they hold and what they were asked since then.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from pathlib import Path

from .server import Stub
from .store import Store


def without_receipts(path: str) -> bool:
    return "clusterset-fabric" in path


async def main(folder: Path, count: int) -> None:
    async with Stub(folder, [f"c{number}" for number in range(count)]) as stub:
        for name, cluster in stub.clusters.items():
            own = folder / f"{name}.kubeconfig"
            everything = json.loads(Path(stub.kubeconfig).read_text())
            for section in ("clusters", "contexts"):
                everything[section] = [entry for entry in everything[section] if entry["name"] == name]
            own.write_text(json.dumps({**everything, "current-context": name}))
            cluster.log = []

        def reset() -> dict[str, object]:
            for cluster in stub.clusters.values():
                cluster.store = Store()
                cluster.api.store = cluster.store
                cluster.requests.clear()
                cluster.log.clear()
                cluster.connections = 0
            return {}

        def tell() -> dict[str, object]:
            clusters = stub.clusters.values()
            told = {
                "digests": {cluster.name: cluster.store.digest(without_receipts) for cluster in clusters},
                "requests": sum(cluster.total for cluster in clusters),
                "writes": sum(cluster.store.writes for cluster in clusters),
                "connections": sum(cluster.connections for cluster in clusters),
            }
            for cluster in clusters:
                cluster.requests.clear()
                cluster.store.writes = cluster.connections = 0
            return told

        async def control(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with contextlib.suppress(asyncio.CancelledError):  # at the end
                while line := await reader.readline():
                    answer = reset() if line == b"reset\n" else tell()
                    writer.write(json.dumps(answer).encode() + b"\n")

        server = await asyncio.start_server(control, "127.0.0.1", 0)
        print(server.sockets[0].getsockname()[1], flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)  # until our parent goes


asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
