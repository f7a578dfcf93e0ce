# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m clusterset_agent node|tunnels|undo|sync``."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import sys

from . import jsonlog
from .faults import AgentError
from .settings import Settings, read_settings

log = logging.getLogger("clusterset")


def main(arguments: list[str] | None = None) -> int:
    """Run one of the agent's parts and return the exit code."""
    parser = argparse.ArgumentParser(prog="clusterset_agent", description=__doc__)
    parser.add_argument("part", choices=("node", "tunnels", "undo", "sync"))
    part = parser.parse_args(arguments).part
    jsonlog.start()
    try:
        return {"node": _node, "tunnels": _tunnels, "undo": _undo, "sync": _sync}[part]()
    except AgentError as error:
        log.error("stopped", extra={"error": str(error)})
        return 1


def _node() -> int:
    from .node import NodeAgent

    async def run() -> None:
        await NodeAgent(read_settings()).run()

    asyncio.run(run())
    return 0


def _tunnels() -> int:
    from .tunnels import keep

    asyncio.run(keep(_anonymous().tunnels))
    return 0


def _sync() -> int:
    from .sync.part import SyncPart
    from .sync.settings import read_settings

    asyncio.run(SyncPart(read_settings()).run())
    return 0


def _undo() -> int:
    """Undo by hand, for a node whose agent is gone; needs no API server and no settings but the defaults."""
    from .kernel import Kernel

    kernel = Kernel(_anonymous())
    outcome = kernel.undo()
    kernel.close()
    log.info("undone", extra={"changes": outcome.changes, "faults": outcome.faults})
    return 1 if outcome.faults else 0


def _anonymous() -> Settings:
    """Places only, for parts that need not know which node they are on."""
    return read_settings({"NODE_NAME": "-", "NODE_ADDRESS": "-", **os.environ})


if __name__ == "__main__":
    sys.exit(main())
