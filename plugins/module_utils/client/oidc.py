# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""OpenID Connect (kubeconfig ``auth-provider: oidc``): a new id token for a refresh token, and back into the file."""

from __future__ import annotations

import base64
import os
import tempfile
from pathlib import Path
from typing import Any

from . import tls
from ._lib import aiohttp, yaml
from .kubeconfig import parse_text


class OidcError(Exception):
    """The identity provider gave no new token; the text says why, without the tokens."""


async def refresh(config: dict[str, Any], base: str) -> None:
    """Put a new ``id-token`` (and ``refresh-token``, if the provider rotates it) into ``config``.

    :param config: the provider's ``config`` map of the kubeconfig. :param base: folder of relative paths in it.
    :raises OidcError: see there.
    """
    issuer = str(config.get("idp-issuer-url") or "").rstrip("/")
    if not config.get("refresh-token"):
        raise OidcError("the id token has expired and there is no refresh token")
    login = f"{config.get('client-id') or ''}:{config.get('client-secret') or ''}"
    headers = {"Authorization": f"Basic {base64.b64encode(login.encode()).decode()}"}
    connector = aiohttp.TCPConnector(ssl=tls.context(_authority(config, base), None))
    form = {"grant_type": "refresh_token", "refresh_token": str(config["refresh-token"])}
    timeout = aiohttp.ClientTimeout(total=30)
    try:
        async with aiohttp.ClientSession(connector=connector, timeout=timeout, raise_for_status=True) as session:
            async with session.get(f"{issuer}/.well-known/openid-configuration") as answer:
                endpoint = (await answer.json())["token_endpoint"]
            async with session.post(endpoint, data=form, headers=headers) as answer:
                tokens = await answer.json()
        config["id-token"] = tokens["id_token"]
    except aiohttp.ClientResponseError as error:
        raise OidcError(f"{issuer} answered {error.status} {error.message}") from None
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise OidcError(f"{issuer} cannot be asked: {error}") from None
    except (KeyError, ValueError, TypeError):
        raise OidcError(f"{issuer} gave no id token") from None
    if tokens.get("refresh_token"):
        config["refresh-token"] = tokens["refresh_token"]


def persist(path: str, user: str, config: dict[str, Any]) -> None:
    """Write the new tokens of ``user`` into the kubeconfig, as kubectl does: a rotated refresh token works only once.

    The file is replaced in one step and keeps its mode; a file that cannot be written is left as it is.
    """
    try:
        content = parse_text(Path(path).read_text(encoding="utf-8"))
        entry = next(entry for entry in content["users"] if entry.get("name") == user)
        stored = entry["user"]["auth-provider"]["config"]
        for name in ("id-token", "refresh-token"):
            stored[name] = config[name]
        with tempfile.NamedTemporaryFile("w", dir=os.path.dirname(path), delete=False, encoding="utf-8") as file:
            yaml.safe_dump(content, file, sort_keys=False)
        os.chmod(file.name, os.stat(path).st_mode & 0o777)
        os.replace(file.name, path)
    except (OSError, StopIteration, KeyError, TypeError):
        return


def _authority(config: dict[str, Any], base: str) -> str | None:
    data, file = config.get("idp-certificate-authority-data"), config.get("idp-certificate-authority")
    if data:
        return base64.b64decode(data).decode()
    return Path(base, str(file)).read_text(encoding="utf-8") if file else None
