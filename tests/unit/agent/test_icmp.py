# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The bytes of a probe."""

from __future__ import annotations

from clusterset_agent.icmp import checksum


def test_the_checksum_is_that_of_rfc_1071() -> None:
    assert checksum(bytes.fromhex("0001f203f4f5f6f7")) == 0x220D
    assert checksum(b"\x08\x00\x00\x00\x00\x01\x00") == checksum(b"\x08\x00\x00\x00\x00\x01\x00\x00")


def test_a_message_with_its_checksum_sums_to_nothing() -> None:
    body = b"\x08\x00\x00\x00\x12\x34\x00\x01payload!"
    whole = body[:2] + checksum(body).to_bytes(2, "big") + body[4:]
    assert checksum(whole) == 0
