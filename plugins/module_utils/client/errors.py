# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The two ways in which a cluster can refuse: it answers no, or it does not answer."""

from __future__ import annotations

from ..errors import FabricError


class ApiError(FabricError):
    """The API server answered with an error status."""

    def __init__(
        self, cluster: str, status: int, reason: str, message: str, *, method: str, path: str, retry_after: float = 0.0
    ) -> None:
        self.status = status
        self.reason = reason
        self.method = method
        self.path = path
        self.retry_after = retry_after
        text = f"{method} {path} was answered with {status} {reason}".rstrip()
        why = f": {message.rstrip('.')}." if message else "."
        super().__init__(text + why, cluster=cluster, fix=_fix(status))


def _fix(status: int) -> str:
    if status == 401:
        return "renew the credential that the cluster's kubeconfig context uses; the API server does not accept it."
    if status == 403:
        return "give the user of the cluster's kubeconfig context this right, or use another context."
    if status == 429:
        return "the API server is overloaded; run again later, or raise the deadline."
    if status in (500, 502, 503, 504):
        return "look at the health of the cluster's API server (GET /readyz?verbose), then run again."
    return ""


class Unreachable(FabricError):  # noqa: N818 - reads better where it is caught
    """The API server could not be asked at all: DNS, TCP, TLS, time-out, or a kubeconfig that leads nowhere.

    ``sent`` tells whether the request may have reached the server.
    """

    def __init__(
        self,
        cluster: str,
        message: str,
        *,
        fix: str = "",
        cause: BaseException | None = None,
        sent: bool = False,
        lasting: bool = False,
    ) -> None:
        super().__init__(message, cluster=cluster, fix=fix)
        self.cause = cause
        self.sent = sent
        self.lasting = lasting
