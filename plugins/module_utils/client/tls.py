# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""TLS contexts: one per certificate authority and client certificate, the system's bundle only where it is needed."""

from __future__ import annotations

import hashlib
import os
import ssl
import tempfile

_contexts: dict[str, ssl.SSLContext] = {}


def context(ca: str | None, certificate: tuple[bytes, bytes] | None, *, verify: bool = True) -> ssl.SSLContext:
    """Return a client context, shared by all clusters with the same material.

    :param ca: PEM text of the authority that signed the server's certificate; None = the system's bundle (20 ms).
    :param certificate: PEM bytes of the client's certificate chain and key.
    :raises ssl.SSLError, ValueError: unusable material.
    """
    key = _digest(ca, certificate, verify)
    if key not in _contexts:
        _contexts[key] = _make(ca, certificate, verify)
    return _contexts[key]


def _digest(ca: str | None, certificate: tuple[bytes, bytes] | None, verify: bool) -> str:
    digest = hashlib.sha256(b"verify" if verify else b"trust")
    for part in ((ca or "").encode(), *(certificate or ())):
        digest.update(b"%d:" % len(part) + part)
    return digest.hexdigest()


def _make(ca: str | None, certificate: tuple[bytes, bytes] | None, verify: bool) -> ssl.SSLContext:
    # not create_default_context: Python 3.13 makes it refuse the authorities that kubeadm and k3s have issued
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    if not verify:
        made.check_hostname = False
        made.verify_mode = ssl.CERT_NONE
    elif ca:
        made.load_verify_locations(cadata=ca)
    else:
        made.load_default_certs(ssl.Purpose.SERVER_AUTH)
    if certificate:
        _load_pair(made, b"\n".join(certificate))
    return made


def _load_pair(made: ssl.SSLContext, pem: bytes) -> None:
    """OpenSSL's binding takes a path only; the key is shown to it in memory where the system can, never on disk."""
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("client-certificate")
        try:
            os.write(descriptor, pem)
            made.load_cert_chain(f"/proc/self/fd/{descriptor}")
        finally:
            os.close(descriptor)
        return
    with tempfile.NamedTemporaryFile(prefix="fabric-", suffix=".pem") as file:
        file.write(pem)
        file.flush()
        made.load_cert_chain(file.name)
