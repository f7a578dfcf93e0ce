# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""aiohttp's exceptions in our words: what could not be reached, why, and what to do about it."""

from __future__ import annotations

import errno
import ssl

from ._lib import aiohttp
from .access import Access
from .errors import Unreachable

_HOSTNAME_MISMATCH = (62, 64)  # OpenSSL: host name, IP address
_EXPIRED = 10


def unreachable(access: Access, error: BaseException, seconds: float) -> Unreachable:
    """Explain why a request to the cluster of ``access`` failed after ``seconds``."""
    name, server = access.ref.name, access.server
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return _certificate(access, error)
    if isinstance(error, (aiohttp.ClientProxyConnectionError, aiohttp.ClientHttpProxyError)):
        return Unreachable(
            name,
            f"the proxy {access.proxy} does not lead to {server}: {_text(error)}.",
            fix="correct proxy-url of its kubeconfig cluster, or HTTPS_PROXY and NO_PROXY.",
            cause=error,
        )
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return Unreachable(
            name,
            f"the host of {server} has no address ({_text(error)}).",
            fix="correct the server in its kubeconfig, or the name service.",
            cause=error,
        )
    if isinstance(error, aiohttp.ClientConnectorSSLError):
        return Unreachable(
            name,
            f"{server} does not complete a TLS handshake ({_text(error)}).",
            fix="check that its kubeconfig names the API server's own port.",
            cause=error,
            lasting=True,
        )
    if isinstance(error, aiohttp.ClientConnectorError):
        return Unreachable(
            name,
            f"{server} cannot be connected to ({_text(error)}).",
            fix="start the cluster, or correct the server in its kubeconfig.",
            cause=error,
        )
    if isinstance(error, TimeoutError):
        return silent(access, seconds, error)
    return Unreachable(
        name,
        f"{server} closed the connection ({_text(error)}).",
        fix="look at the cluster's API server, then run again.",
        cause=error,
        sent=True,
    )


def silent(access: Access, seconds: float, cause: BaseException | None = None) -> Unreachable:
    """The server took the connection, or the packets, and said nothing."""
    return Unreachable(
        access.ref.name,
        f"{access.server} did not answer within {seconds:.0f} s.",
        fix="look at the cluster's API server and the network to it, or raise fabric_deadline.",
        cause=cause,
        sent=True,
        lasting=True,
    )


def _certificate(access: Access, error: BaseException) -> Unreachable:
    cause = error.__cause__ or getattr(error, "certificate_error", None)
    code = getattr(cause, "verify_code", 0)
    server = access.server
    if code in _HOSTNAME_MISMATCH:
        message, fix = (
            f"the certificate of {server} is for another name ({_text(error)}).",
            "correct the server in its kubeconfig, or set tls-server-name there.",
        )
    elif code == _EXPIRED:
        message, fix = f"the certificate of {server} has expired.", "renew the certificates of the API server."
    else:
        message, fix = (
            f"the certificate of {server} was not issued by the authority in its kubeconfig ({_text(error)}):"
            " another cluster may answer at this address.",
            "correct server and certificate-authority-data of this context.",
        )
    return Unreachable(access.ref.name, message, fix=fix, cause=error, lasting=True)


def _text(error: BaseException) -> str:
    if isinstance(error, aiohttp.ClientHttpProxyError):
        return f"{error.status} {error.message}"
    inner = getattr(error, "os_error", None) or getattr(error, "certificate_error", None) or error
    if isinstance(inner, ssl.SSLCertVerificationError):
        return inner.verify_message.rstrip(".")
    if isinstance(inner, ssl.SSLError):
        return (inner.reason or "no common protocol").lower().replace("_", " ")
    if isinstance(inner, OSError) and inner.errno and inner.errno in errno.errorcode:
        return _system_text(inner.errno)
    return str(inner) or type(inner).__name__


def _system_text(number: int) -> str:
    texts = {
        errno.ECONNREFUSED: "connection refused",
        errno.EHOSTUNREACH: "no route to host",
        errno.ENETUNREACH: "network unreachable",
        errno.ECONNRESET: "connection reset",
        errno.ETIMEDOUT: "connection timed out",
    }
    return texts.get(number, errno.errorcode[number])
