# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Does the cluster's own DNS still answer, and do its service addresses still work?"""

from __future__ import annotations

import asyncio
import os
import socket
import time
from typing import Any

from . import probes, wire

RESOLVE_SECONDS = 12.0  # more than one time-out of the system's resolver
CONNECT_SECONDS = 3.0
TRIES = 2


async def resolve(name: str) -> dict[str, Any]:
    """Ask the system's resolver for `name`: {"name", "ok", "addresses", "milliseconds", "reason"}.

    The API server's own service name must resolve to the address the kubelet wrote into our environment. A failure says
    whether service addresses work at all, since the resolver is itself behind one.
    """
    start = time.monotonic()
    addresses, reason = await _lookup(name)
    milliseconds = round((time.monotonic() - start) * 1000, 3)
    service = os.environ.get("KUBERNETES_SERVICE_HOST", "")
    if reason:
        reason = f"{reason}; {await _service(service)}"
    elif name.startswith("kubernetes.default.") and service and wire.plain_address(service) not in addresses:
        reason = f"resolves to {', '.join(addresses)}, but the service is at {service}"
    return {"name": name, "ok": not reason, "addresses": addresses, "milliseconds": milliseconds, "reason": reason}


async def _lookup(name: str) -> tuple[list[str], str]:
    """Addresses, or the reason why there is none."""
    loop = asyncio.get_running_loop()
    reason = ""
    for _attempt in range(TRIES):
        try:
            async with asyncio.timeout(RESOLVE_SECONDS):
                found = await loop.getaddrinfo(name, None, type=socket.SOCK_STREAM)
            return sorted({wire.plain_address(str(entry[4][0])) for entry in found}), ""
        except socket.gaierror as error:
            reason = (error.strerror or "not resolved").lower()
        except UnicodeError:
            return [], "no valid name"
        except TimeoutError:
            return [], f"no answer in {RESOLVE_SECONDS:g} s"
    return [], reason


async def _service(address: str) -> str:
    """One clause: does the API server's service address take a connection?"""
    if not address:
        return "no service address to compare with"
    port = int(os.environ.get("KUBERNETES_SERVICE_PORT", "443"))
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            _reader, writer = await asyncio.open_connection(address, port)
    except (OSError, TimeoutError) as error:
        return f"service address {address} does not work either ({probes.explain(error)}): look at kube-proxy"
    writer.close()
    return f"service address {address} works: look at the DNS pods"
