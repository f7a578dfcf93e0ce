# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A gateway drains because somebody wishes it, and is drained when nothing passes it any more."""

from __future__ import annotations

import pytest

from clusterset_agent.draining import QUIET, DrainWatch, wished


@pytest.mark.parametrize(
    ("node", "answer"),
    [
        (None, False),
        ({"metadata": {}, "spec": {}}, False),
        ({"metadata": {"annotations": {"fabric.clusterset.io/drain": "true"}}}, True),
        ({"metadata": {"annotations": {"fabric.clusterset.io/drain": "false"}}}, False),
        ({"metadata": {}, "spec": {"unschedulable": True}}, True),
    ],
)
def test_an_annotation_or_a_cordon_asks_for_it(node: dict[str, object] | None, answer: bool) -> None:
    assert wished(node) is answer


def test_it_is_drained_once_nothing_has_passed_for_a_while() -> None:
    watch = DrainWatch()
    assert watch.state(False, 0, 0.0) == "Active"
    assert watch.state(True, 10, 1.0) == "Draining"
    assert watch.state(True, 12, 2.0) == "Draining"
    assert watch.state(True, 12, 2.0 + QUIET - 0.1) == "Draining"
    assert watch.state(True, 12, 2.0 + QUIET) == "Drained"
    assert watch.state(True, 13, 9.0) == "Draining", "something passes again"
    assert watch.state(False, 13, 10.0) == "Active"
    assert watch.state(True, 0, 11.0) == "Draining"
