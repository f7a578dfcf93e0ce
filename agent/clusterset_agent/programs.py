# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs of the two command-line tools that the agent needs: ``nft`` and ``wg``."""

from __future__ import annotations

import subprocess

from .faults import AgentError

_DEADLINE = 10


def run(*command: str, text: str | None = None) -> str:
    """Run a program and return its output; :raises AgentError: with its last words if it fails.

    Secrets go by ``text`` (standard input) or by file, never by ``command``.
    """
    try:
        done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=_DEADLINE, check=False)
    except FileNotFoundError as error:
        raise AgentError(f"{command[0]} is not installed") from error
    except subprocess.TimeoutExpired as error:
        raise AgentError(f"{' '.join(command[:3])} took more than {_DEADLINE} s") from error
    if done.returncode:
        raise AgentError(f"{' '.join(command[:3])}: {done.stderr.strip()[-400:] or f'exit {done.returncode}'}")
    return done.stdout
