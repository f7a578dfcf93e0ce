# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the agent is told by its pod: names, addresses and places, all from the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from .families import IPV4, only
from .faults import AgentError


@dataclass(frozen=True)
class Settings:
    """Identity of the node and the places where the agent keeps and finds things.

    :ivar underlay: IPv4 address of the node.
    :ivar first: the node's first address of any family, at which the kubelet asks how the agent is.
    """

    node: str
    underlay: str
    first: str
    namespace: str = "clusterset-fabric"
    metrics_port: int = 14790
    state: Path = Path("/var/lib/clusterset-fabric")
    run: Path = Path("/run/clusterset-fabric")
    sysctl: Path = Path("/host/proc/sys/net")

    @property
    def cache(self) -> Path:
        """File of the last wanted state, for a start without the API server."""
        return self.run / "state.json"

    @property
    def tunnels(self) -> Path:
        """Directory that holds one file for each interface that ``wireguard-go`` must serve."""
        return self.run / "tunnels"


def read_settings(environment: Mapping[str, str] | None = None) -> Settings:
    """Return the settings; :raises AgentError: if the pod's manifest does not name node and address."""
    env = os.environ if environment is None else environment
    missing = [name for name in ("NODE_NAME", "NODE_ADDRESS") if not env.get(name)]
    if missing:
        raise AgentError(f"the environment lacks {' and '.join(missing)}")
    addresses = env["NODE_ADDRESS"].split(",")
    if not only(IPV4, addresses):
        raise AgentError(f"the node has no IPv4 address, only {env['NODE_ADDRESS']}: links are between IPv4 addresses")
    return Settings(
        node=env["NODE_NAME"],
        underlay=only(IPV4, addresses)[0],
        first=addresses[0],
        namespace=env.get("POD_NAMESPACE", "clusterset-fabric"),
        metrics_port=int(env.get("METRICS_PORT", "14790")),
        state=Path(env.get("FABRIC_STATE_DIR", "/var/lib/clusterset-fabric")),
        run=Path(env.get("FABRIC_RUN_DIR", "/run/clusterset-fabric")),
        sysctl=Path(env.get("FABRIC_SYSCTL_DIR", "/host/proc/sys/net")),
    )
