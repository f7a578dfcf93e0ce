# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which proxy a request takes when the kubeconfig names none: the environment's, as kubectl does it."""

from __future__ import annotations

import ipaddress
import os
from urllib.parse import urlsplit


def from_environment(server: str) -> str | None:
    """Return the proxy's URL for ``server``, or None. Loopback never takes a proxy; NO_PROXY may hold CIDRs."""
    url = urlsplit(server)
    names = ("HTTPS_PROXY", "https_proxy") if url.scheme == "https" else ("http_proxy",)
    proxy = next((os.environ[name] for name in names if os.environ.get(name)), None)
    host = (url.hostname or "").lower()
    if not proxy or _bypassed(host, url.port, os.environ.get("NO_PROXY") or os.environ.get("no_proxy") or ""):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


def _bypassed(host: str, port: int | None, exceptions: str) -> bool:
    address = _address(host)
    if host == "localhost" or (address is not None and address.is_loopback):
        return True
    return any(_matches(entry.strip().lower(), host, port, address) for entry in exceptions.split(","))


def _matches(
    entry: str, host: str, port: int | None, address: ipaddress.IPv4Address | ipaddress.IPv6Address | None
) -> bool:
    if not entry:
        return False
    if entry == "*":
        return True
    if address is not None:
        try:
            return address in ipaddress.ip_network(entry, strict=False)
        except ValueError:
            return entry in (host, f"{host}:{port}")
    name, _colon, wanted = entry.partition(":")
    if wanted and wanted != str(port):
        return False
    bare = name.lstrip("*").lstrip(".")
    return host.endswith(f".{bare}") or (host == bare and not name.startswith("."))


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
