# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Credentials from a program (kubeconfig ``exec``): run once for all clusters that ask it the same question."""

from __future__ import annotations

import asyncio
import json
import os
import time
from dataclasses import dataclass
from typing import Any

from .expiry import seconds_left

_TIMEOUT = 60.0
_answers: dict[str, Answer] = {}
_running: dict[tuple[int, str], asyncio.Task[Answer]] = {}


class ExecError(Exception):
    """The program could not be run or gave no credential; the text says which and why."""


@dataclass(frozen=True)
class Answer:
    """What the program gave: a token, or a certificate with its key; and until when (monotonic seconds)."""

    token: str
    certificate: tuple[bytes, bytes] | None
    valid_until: float


async def credential(config: dict[str, Any], cluster: dict[str, Any], base: str, *, renew: bool = False) -> Answer:
    """Run the program, or take its last answer while that is valid.

    :param config: the ``exec`` section. :param cluster: the cluster's section, passed on if the program wants it.
    :param base: folder of the kubeconfig, which relative commands start from.
    :param renew: the API server refused the last answer; ask again.
    :raises ExecError: see there.
    """
    info = json.dumps(_request(config, cluster), sort_keys=True)
    key = json.dumps([config, info, base], sort_keys=True)
    known = _answers.get(key)
    if known and not renew and time.monotonic() < known.valid_until:
        return known
    slot = (id(asyncio.get_running_loop()), key)
    task = _running.get(slot)
    if task is None:
        task = asyncio.create_task(_run(config, info, base))
        _running[slot] = task
        task.add_done_callback(lambda done: _over(slot, done))
    _answers[key] = answer = await asyncio.shield(task)  # one impatient cluster must not cancel it for the others
    return answer


def _over(slot: tuple[int, str], done: asyncio.Task[Answer]) -> None:
    """Make room for the next run; who asked may have gone, and then nobody looks at the failure but us."""
    _running.pop(slot, None)
    if not done.cancelled():
        done.exception()


def _request(config: dict[str, Any], cluster: dict[str, Any]) -> dict[str, Any]:
    spec: dict[str, Any] = {"interactive": False}
    if config.get("provideClusterInfo"):
        names = ("server", "tls-server-name", "insecure-skip-tls-verify", "certificate-authority-data", "proxy-url")
        spec["cluster"] = {name: cluster[name] for name in names if name in cluster}
    return {"apiVersion": config.get("apiVersion", ""), "kind": "ExecCredential", "spec": spec}


async def _run(config: dict[str, Any], info: str, base: str) -> Answer:
    command = str(config.get("command") or "")
    if os.sep in command and not os.path.isabs(command):
        command = os.path.join(base, command)
    environment = {**os.environ, **{str(e["name"]): str(e["value"]) for e in config.get("env") or ()}}
    environment["KUBERNETES_EXEC_INFO"] = info
    pipe = asyncio.subprocess.PIPE
    try:
        process = await asyncio.create_subprocess_exec(
            command,
            *map(str, config.get("args") or ()),
            env=environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=pipe,
            stderr=pipe,
        )
    except OSError as error:
        hint = " ".join(str(config.get("installHint") or "").split())
        raise ExecError(f"{command!r} cannot be run ({error.strerror}). {hint}".rstrip()) from error
    try:
        out, err = await asyncio.wait_for(process.communicate(), _TIMEOUT)
    except TimeoutError:
        raise ExecError(f"{command!r} gave no answer in {_TIMEOUT:.0f} s") from None
    finally:
        if process.returncode is None:
            process.kill()
    if process.returncode:
        said = " ".join(err.decode(errors="replace").split())[-300:]
        raise ExecError(f"{command!r} ended with status {process.returncode}: {said or 'it said nothing'}")
    return _decode(command, out)


def _decode(command: str, out: bytes) -> Answer:
    # the output holds the credential, so no message may quote it
    try:
        status = json.loads(out)["status"]
    except (ValueError, TypeError, KeyError):
        raise ExecError(f"{command!r} printed no ExecCredential with a status") from None
    token = str(status.get("token") or "")
    certificate, key = status.get("clientCertificateData"), status.get("clientKeyData")
    pair = (str(certificate).encode(), str(key).encode()) if certificate and key else None
    if not token and pair is None:
        raise ExecError(f"{command!r} gave neither a token nor a certificate with its key")
    return Answer(token, pair, time.monotonic() + seconds_left(status.get("expirationTimestamp")))
