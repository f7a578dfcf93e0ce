# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The official kubeconfig loader with its gaps closed: no key on disk, errors that speak, tokens that are renewed."""

from __future__ import annotations

import base64
import math
import os
import time
from pathlib import Path
from typing import Any

from . import exec_plugin, oidc
from ._lib import ConfigException, KubeConfigLoader
from .expiry import token_seconds_left

_FILE_TOKEN_SECONDS = 60.0


class Loader(KubeConfigLoader):
    """One context of a kubeconfig: where the server is, how to trust it, who we are.

    After ``load()``: ``host``, ``ca`` (PEM or None), ``certificate`` (PEM chain and key, or None), ``verify_ssl``,
    ``tls_server_name``, ``proxy``; ``token`` is the whole Authorization header. ``valid_until`` is monotonic time.
    """

    def __init__(self, config: Any, context: str) -> None:
        super().__init__(config, active_context=context)
        self.token = ""
        self.tls_server_name = ""
        self.proxy = ""
        self.verify_ssl = True
        self.ca: str | None = None
        self.certificate: tuple[bytes, bytes] | None = None
        self.valid_until = math.inf
        self._renew = False

    @property
    def renewable(self) -> bool:
        """True when asking again may give another credential."""
        user = self._user.value if self._user else {}
        return any(name in user for name in ("exec", "tokenFile", "auth-provider"))

    async def authenticate(self, *, renew: bool = False) -> None:
        """Fetch the credential; with ``renew`` even one that has not expired by its own words."""
        self._renew = renew
        self.valid_until = math.inf
        await self._load_authentication()

    async def load_from_exec_plugin(self) -> bool:
        """Called by the official loader for ``exec`` users."""
        config, base = self._user["exec"].value, _folder(self._user)
        try:
            answer = await exec_plugin.credential(config, self._cluster.value, base, renew=self._renew)
        except exec_plugin.ExecError as error:
            raise ConfigException(f"its exec credential plugin failed: {error}") from error
        self.token = f"Bearer {answer.token}" if answer.token else ""
        self.certificate = answer.certificate
        self.valid_until = answer.valid_until
        return True

    async def _load_oid_token(self) -> str:
        """Called by the official loader for ``auth-provider: oidc`` users."""
        config = self._user.value["auth-provider"].get("config") or {}
        token = str(config.get("id-token") or "")
        if self._renew or not token or token_seconds_left(token) <= 0:
            try:
                await oidc.refresh(config, _folder(self._user))
            except (oidc.OidcError, OSError, ValueError) as error:
                raise ConfigException(f"its OIDC token could not be renewed: {error}") from error
            oidc.persist(self._user.path, str(self._current_context["context"]["user"]), config)
            token = str(config["id-token"])
        self.token = f"Bearer {token}"
        self.valid_until = time.monotonic() + max(token_seconds_left(token), 1.0)
        return self.token

    def _load_user_token(self) -> bool:
        """Called by the official loader for ``token`` and ``tokenFile``; kubectl prefers the file's newer one."""
        user = self._user.value
        token = str(user.get("token") or "")
        if user.get("tokenFile"):
            path = Path(_folder(self._user), str(user["tokenFile"]))
            token = path.read_text(encoding="utf-8")
            self.valid_until = time.monotonic() + _FILE_TOKEN_SECONDS
        if not token.strip():
            return False
        self.token = f"Bearer {token.strip()}"
        return True

    def _load_cluster_info(self) -> None:
        """Called by the official loader; its own version writes certificates and keys into the temp folder."""
        cluster, user = self._cluster, self._user
        if not cluster.value.get("server"):
            raise ConfigException("its cluster entry has no server")
        self.host = str(cluster.value["server"]).rstrip("/")
        self.verify_ssl = not cluster.value.get("insecure-skip-tls-verify")
        self.tls_server_name = str(cluster.value.get("tls-server-name") or "")
        self.proxy = str(cluster.value.get("proxy-url") or "")
        authority = _material(cluster, "certificate-authority")
        self.ca = authority.decode() if authority else None
        if user and self.certificate is None:
            certificate, key = _material(user, "client-certificate"), _material(user, "client-key")
            self.certificate = (certificate, key) if certificate and key else None


def _folder(node: Any) -> str:
    return os.path.dirname(os.path.abspath(node.path)) if node.path else ""


def _material(node: Any, name: str) -> bytes | None:
    """PEM bytes of ``<name>-data`` (base64), else of the file ``<name>``; None where neither is given."""
    data, path = node.value.get(f"{name}-data"), node.value.get(name)
    if data:
        return base64.b64decode(data)
    return Path(_folder(node), str(path)).read_bytes() if path else None
