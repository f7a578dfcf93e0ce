# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the sync part is told by its pod."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class SyncSettings:
    """Identity and times; seconds.

    :ivar pod: who we are in the election.
    :ivar peer_timeout: after so long without a sign of life, and without a link, a peer's endpoints are withdrawn.
    :ivar kubeconfig: for a start outside of a pod.
    :ivar gateway_grace: a gateway whose node is not ready for so long is replaced.
    :ivar renew_share: a token is renewed when less than this share of its life is left.
    """

    pod: str
    namespace: str = "clusterset-fabric"
    peer_timeout: float = 5.0
    kubeconfig: str = ""
    address: str = ""
    port: int = 14791
    lease_seconds: float = 6.0
    alive_seconds: float = 1.0
    token_seconds: int = 24 * 3600
    renew_share: float = 0.5
    gateway_grace: float = 300.0


def read_settings(environment: Mapping[str, str] | None = None) -> SyncSettings:
    """Return the settings; everything has a default."""
    env = os.environ if environment is None else environment
    return SyncSettings(
        pod=env.get("POD_NAME") or socket.gethostname(),
        namespace=env.get("POD_NAMESPACE", "clusterset-fabric"),
        peer_timeout=float(env.get("PEER_TIMEOUT", "5")),
        kubeconfig=env.get("FABRIC_KUBECONFIG", ""),
        address=env.get("POD_IP", ""),
        port=int(env.get("METRICS_PORT", "14791")),
        gateway_grace=float(env.get("GATEWAY_GRACE", "300")),
        token_seconds=int(env.get("TOKEN_SECONDS", str(24 * 3600))),
    )
