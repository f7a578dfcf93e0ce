# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tokens of service accounts, made by the API server for a time."""

from __future__ import annotations

from typing import NamedTuple

from .client import Client


class Token(NamedTuple):
    """``until``: when it ends, RFC 3339; the server may give it another life than was asked for."""

    text: str
    until: str


async def request_token(client: Client, namespace: str, account: str, seconds: int) -> Token:
    """Have a token made for an account. ApiError, Unreachable."""
    path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token"
    spec = {"expirationSeconds": seconds}
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec}
    status = (await client.request("POST", path, body=body))["status"]
    return Token(status["token"], status["expirationTimestamp"])
