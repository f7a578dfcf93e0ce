# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which Services an entry of the inventory means."""

from __future__ import annotations

from typing import Any

import pytest

from clusterset_agent.sync.wishes import Rule, by_inventory, new_export, rules_of, wanted

Object = dict[str, Any]


def service(namespace: str = "shop", name: str = "cart", kind: str = "ClusterIP", **labels: str) -> Object:
    return {"metadata": {"namespace": namespace, "name": name, "labels": labels}, "spec": {"type": kind}}


@pytest.mark.parametrize(
    ("rule", "found", "chosen"),
    [
        (Rule("shop", "cart"), service(), True),
        (Rule("shop", "cart"), service(name="till"), False),
        (Rule("shop", "cart"), service("office"), False),
        (Rule("shop", "cart"), service(kind="ExternalName"), True),  # it is named: its export says what is wrong
        (Rule("shop"), service(), True),
        (Rule("shop"), service("office"), False),
        (Rule("shop"), service(kind="ExternalName"), False),
        (Rule("default"), service("default", "kubernetes"), False),
        (Rule(labels={"team": "a"}), service(team="a"), True),
        (Rule(labels={"team": "a"}), service(), False),
        (Rule("office", labels={"team": "a"}), service(team="a"), False),
        (
            Rule("shop"),
            {**service(), "metadata": {**service(**{"fabric.clusterset.io/import": "x"})["metadata"]}},
            False,
        ),
    ],
)
def test_all_that_an_entry_gives_must_fit(rule: Rule, found: Object, chosen: bool) -> None:
    assert wanted([Rule("nowhere"), rule], found) is chosen


def test_rules_are_read_from_the_fabric_object_and_our_exports_are_known_again() -> None:
    rows = [{"namespace": "shop", "name": "cart"}, {"labels": {"team": "a"}}]
    assert rules_of({"spec": {"exports": rows}}) == (Rule("shop", "cart"), Rule(labels={"team": "a"}))
    assert rules_of(None) == rules_of({"spec": {}}) == ()
    assert by_inventory(new_export(("shop", "cart"), "v1beta1"))
    assert not by_inventory({"metadata": {"name": "cart"}})
    assert not wanted([Rule("shop")], None)
