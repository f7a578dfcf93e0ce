# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When a link's size is measured: soon after it has come up, then seldom."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from clusterset_agent.links import links_of
from clusterset_agent.sizes import EVERY, Sizes

from .samples import situation


@pytest.fixture
def sizes(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sizes]:
    """Made without the raw socket, which needs root."""
    monkeypatch.setattr("clusterset_agent.sizes.Echo", lambda **_: socket.socket())
    made = Sizes()
    yield made
    made._echo.close()


def test_each_link_has_its_own_turn(sizes: Sizes) -> None:
    one, other = links_of(situation("g1"))
    assert sizes.due([one], 10.0) == [one]
    assert sizes.due([one, other], 12.0) == [other]
    assert sizes.due([one, other], 10.0 + EVERY) == [one]
    assert sizes.due([one, other], 12.0 + EVERY) == [other]


def test_a_link_that_was_down_is_measured_as_soon_as_it_is_back(sizes: Sizes) -> None:
    one, other = links_of(situation("g1"))
    sizes.due([one, other], 10.0)
    sizes.due([other], 12.0)
    assert sizes.due([one, other], 14.0) == [one]
