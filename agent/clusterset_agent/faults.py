# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one error of the agent."""

from __future__ import annotations


class AgentError(Exception):
    """A fault that the agent reports and lives with; the message names the value that is wrong."""
