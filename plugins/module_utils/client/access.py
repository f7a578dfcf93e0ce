# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a reference to what a request needs: server, trust, identity. The one place that turns bad input into words."""

from __future__ import annotations

import base64
import ssl
import time
from typing import Any

from . import _lib, kubeconfig, proxy, tls
from .errors import Unreachable
from .loader import Loader
from .types import ClusterRef

_IN_CLUSTER_FILES = "/var/run/secrets/kubernetes.io/serviceaccount"
_IN_CLUSTER_SECONDS = 60.0


class Access:
    """How to reach one API server, and as whom. Built by :func:`resolve`."""

    def __init__(self, ref: ClusterRef, configuration: Any, loader: Loader | None) -> None:
        self.ref = ref
        self.server = str(configuration.host).rstrip("/")
        self.tls_server_name = str(configuration.tls_server_name or "") or None
        self.proxy = str(configuration.proxy or "") or proxy.from_environment(self.server)
        self._configuration = configuration
        self._loader = loader
        self._header: str | None = None
        self._valid_until = 0.0
        self.ssl = self._context()

    @property
    def ca(self) -> str:
        """PEM text of the authority that the server is verified by; "" = the system's bundle."""
        return (self._loader.ca or "") if self._loader is not None else ""

    @property
    def verified(self) -> bool:
        """Whether the server has to prove who it is."""
        return self.ssl is not None and self.ssl.verify_mode == ssl.CERT_REQUIRED

    @property
    def renewable(self) -> bool:
        """True when a refused credential may be replaced by asking its source again."""
        return self._loader is None or self._loader.renewable

    async def authorization(self, *, renew: bool = False) -> str | None:
        """Return the Authorization header, renewed when its source says that it has run out.

        :raises Unreachable: the source of the credential gave none.
        """
        if renew or time.monotonic() >= self._valid_until:
            if self._loader is not None and (renew or self._valid_until):
                await authenticate(self.ref, self._loader, renew=renew)
                self.ssl = self._context()
            await self._read()
        return self._header

    async def _read(self) -> None:
        if self._loader is not None:
            self._header = self._loader.token or None
            self._valid_until = self._loader.valid_until
            return
        header = await self._configuration.get_api_key_with_prefix("BearerToken")
        self._header = str(header).strip().replace("bearer ", "Bearer ", 1)
        self._valid_until = time.monotonic() + _IN_CLUSTER_SECONDS

    def _context(self) -> ssl.SSLContext | None:
        if not self.server.startswith("https:"):
            return None
        loader = self._loader
        try:
            if loader is not None:
                return tls.context(loader.ca, loader.certificate, verify=loader.verify_ssl)
            with open(self._configuration.ssl_ca_cert, encoding="utf-8") as file:
                return tls.context(file.read(), None)
        except (ssl.SSLError, ValueError, OSError) as error:
            raise Unreachable(
                self.ref.name,
                f"the certificates of its kubeconfig context cannot be used ({_plain(error)}).",
                fix="renew certificate-authority-data, client-certificate-data and client-key-data.",
                lasting=True,
            ) from None


async def resolve(ref: ClusterRef) -> Access:
    """Read the configuration that ``ref`` points to and fetch its credential.

    :raises Unreachable: names the file, the context or the plugin at fault, and the fix.
    """
    _lib.require()
    configuration = type.__call__(_lib.Configuration)
    if ref.in_cluster:
        return Access(ref, _in_cluster(ref, configuration), None)
    config = kubeconfig.load(ref)
    return await _of_context(ref, config, kubeconfig.context_of(ref, config), configuration)


async def in_memory(ref: ClusterRef, server: str, ca: str, token: str, server_name: str = "") -> Access:
    """Access by a token that is in no file.

    :param server: URL. :param ca: PEM text. :param server_name: that the certificate must have; "" = the URL's host.
    :raises Unreachable: the certificate cannot be used.
    """
    _lib.require()
    cluster = {
        "server": server,
        "certificate-authority-data": base64.b64encode(ca.encode()).decode(),
        "tls-server-name": server_name,
    }
    content = {
        "clusters": [{"name": "it", "cluster": cluster}],
        "users": [{"name": "it", "user": {"token": token}}],
        "contexts": [{"name": "it", "context": {"cluster": "it", "user": "it"}}],
        "current-context": "it",
    }
    config = _lib.ConfigNode("kubeconfig", content)
    return await _of_context(ref, config, "it", type.__call__(_lib.Configuration))


async def _of_context(ref: ClusterRef, config: Any, name: str, configuration: Any) -> Access:
    try:
        loader = Loader(config, name)
    except (_lib.ConfigException, KeyError, TypeError, AttributeError) as error:
        raise _broken(ref, name, error) from None
    await authenticate(ref, loader)
    try:
        loader._load_cluster_info()
        loader._set_config(configuration)  # type: ignore[attr-defined]
    except (_lib.ConfigException, OSError, ValueError, KeyError, TypeError) as error:
        raise _broken(ref, name, error) from None
    return Access(ref, configuration, loader)


async def authenticate(ref: ClusterRef, loader: Loader, *, renew: bool = False) -> None:
    """Fetch the credential of ``loader``, and put its failure into words."""
    try:
        await loader.authenticate(renew=renew)
    except (_lib.ConfigException, OSError, ValueError, KeyError, TypeError) as error:
        raise _broken(ref, ref.context or "current", error) from None


def _in_cluster(ref: ClusterRef, configuration: Any) -> Any:
    try:
        loader = _lib.InClusterConfigLoader(f"{_IN_CLUSTER_FILES}/token", f"{_IN_CLUSTER_FILES}/ca.crt")
        loader.load_and_set(configuration)
    except (_lib.ConfigException, OSError) as error:
        raise Unreachable(
            ref.name,
            f"there is no in-cluster configuration here: {str(error).rstrip('.')}.",
            fix="fabric_in_cluster works inside a pod with a service account only; set fabric_kubeconfig elsewhere.",
            lasting=True,
        ) from None
    return configuration


def _broken(ref: ClusterRef, context: str, error: Exception) -> Unreachable:
    return Unreachable(
        ref.name,
        f"context {context!r} cannot be used: {_plain(error).rstrip('.')}.",
        fix="correct this context in the kubeconfig, or log in to the cluster again.",
        lasting=True,
    )


def _plain(error: BaseException) -> str:
    """The error's text without what might be a secret: decoding errors quote what they could not decode."""
    if isinstance(error, ssl.SSLError):
        return (error.reason or "not a certificate").lower().replace("_", " ")
    if isinstance(error, OSError):
        return f"{error.filename}: {error.strerror}" if error.filename else str(error.strerror)
    if isinstance(error, _lib.ConfigException):
        return str(error)
    return "an entry has the wrong form"
