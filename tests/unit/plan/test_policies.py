# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Policies of the inventory: what is refused, what they come to in the plan, and the matrix that a person reads."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.clusterset.fabric.plugins.module_utils.model.policy_wishes import policy_wishes
from ansible_collections.clusterset.fabric.plugins.module_utils.model.validate import validate
from ansible_collections.clusterset.fabric.plugins.module_utils.objects.links import fabric
from ansible_collections.clusterset.fabric.plugins.module_utils.objects.policies import fabric_policy, policy_objects
from ansible_collections.clusterset.fabric.plugins.module_utils.plan.build import RefusedError, build_plan
from ansible_collections.clusterset.fabric.plugins.module_utils.plan.types import Plan, plan_from_json
from ansible_collections.clusterset.fabric.plugins.module_utils.report.plan_table import plan_table
from tests.unit.plan.samples import facts, model

CLUSTERS = ("east", "north", "west")
DB: dict[str, Any] = {
    "name": "frontend-to-db",
    "from": {"labels": {"app": "frontend"}},
    "to": {"labels": {"app": "db"}, "clusters": ["e*"]},
    "ports": [5432],
}


def planned(*entries: dict[str, Any], default: str = "allow", **changes: Any) -> Plan:
    wishes, errors = policy_wishes("east", entries)
    assert not errors
    models = [model(host, policies=wishes, policy_default=default, **changes) for host in CLUSTERS]
    plan = build_plan(models, {host: facts(host) for host in CLUSTERS})
    assert plan_from_json(plan.to_json()) == plan
    return plan


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"name": "Bad Name"}, ["entry 1", "'Bad Name'"]),
        ({"form": {}}, ["unknown key 'form'", "did you mean from?"]),
        ({"from": {"label": {}}}, ["unknown key 'label' in from", "labels"]),
        ({"from": {"export": "a/b"}}, ["unknown key 'export' in from"]),
        ({"from": {"labels": {"app": "a b"}}}, ["from: app='a b' is not a label"]),
        ({"from": {"namespaces": "shop"}}, ["from: namespaces is 'shop'"]),
        ({"from": "all"}, ["from is 'all'"]),
        ({"to": {"export": "cart"}}, ["export is 'cart'", "namespace/service"]),
        ({"to": {"export": "shop/cart", "labels": {"a": "b"}}}, ["'shop/cart'", "drop them"]),
        ({"ports": [0]}, ["ports has 0"]),
        ({"ports": ["icmp/1"]}, ["'icmp/1'"]),
        ({"ports": ["tcp/90-80"]}, ["'tcp/90-80'"]),
        ({"order": -1}, ["order is -1"]),
        ({"action": "drop"}, ["action is 'drop'", "allow or deny"]),
    ],
)
def test_a_bad_entry_gets_one_error_that_names_value_and_fix(change: dict[str, Any], words: list[str]) -> None:
    raw = {"fabric_agent_image": "agent:1", "fabric_policies": [{**DB, **change}]}
    made, errors = validate("east", raw)
    assert made is None
    (error,) = errors
    assert error.cluster == "east"
    assert error.fix
    assert all(word in str(error) for word in words), str(error)


def test_a_name_is_used_once_and_a_missing_side_is_told() -> None:
    assert "taken" in str(policy_wishes("east", [DB, DB])[1][0])
    assert "to is None" in str(policy_wishes("east", [{"name": "a", "from": {}}])[1][0])


def refused(*entries: dict[str, Any], **changes: Any) -> str:
    with pytest.raises(RefusedError) as error:
        planned(*entries, **changes)
    return str(error.value)


def test_what_cannot_be_is_refused() -> None:
    assert "matches no cluster" in refused({**DB, "to": {"clusters": ["south"]}})
    alone = {"clusters": ["east"]}
    assert "both sides are in east alone" in refused({**DB, "from": alone, "to": alone})
    assert "allow and deny of the same" in refused(DB, {**DB, "name": "not-db", "action": "deny"})
    assert "fabric_services is false" in refused(DB, services=False)
    models = [model("east"), model("west", policy_default="deny")]
    with pytest.raises(RefusedError, match="fabric_policy_default differs between east and west"):
        build_plan(models, {host: facts(host) for host in ("east", "west")})


def test_without_policies_nothing_changes() -> None:
    plan = planned()
    assert {cluster.policies for cluster in plan.clusters} == {"off"}
    assert "policies" not in fabric(plan.cluster("east"))["spec"]
    assert "FROM" not in plan_table(plan)


def test_where_they_were_on_they_are_removed() -> None:
    owned = replace(facts("east").owned, bundles=("links", "policies", "services"))
    plan = build_plan([model("east")], {"east": replace(facts("east"), owned=owned)})
    assert plan.cluster("east").policies == "remove"


def test_order_decides_and_what_never_decides_is_told() -> None:
    rest = {"name": "nobody-else", "from": {}, "to": {"labels": {"app": "db"}}, "order": 2000, "action": "deny"}
    late = {**DB, "name": "late", "order": 3000}
    plan = planned(late, rest, DB)
    assert [policy.name for policy in plan.policies] == ["frontend-to-db", "nobody-else", "late"]
    assert plan.policies[0].target.clusters == ("east",)
    assert plan.policies[1].source.clusters == CLUSTERS
    assert "policy late never decides: frontend-to-db comes first and covers it" in plan.notes


def test_the_matrix_says_who_may_talk_to_whom() -> None:
    cart = {"name": "carts", "order": 2000, "from": {"namespaces": ["web"]}, "to": {"export": "shop/cart"}}
    lines = [line.split("  ") for line in plan_table(planned(DB, cart, default="deny")).splitlines()]
    rows = {cells[0]: [cell.strip() for cell in cells[1:] if cell.strip()] for cells in lines}
    assert rows["FROM \\ TO"] == ["app=db in east", "export shop/cart", "all others"]
    assert rows["app=frontend"] == ["tcp/5432", "no", "no"]
    assert rows["web/*"] == ["no", "all", "no"]
    assert rows["all others"] == ["no", "no", "no"]


def test_the_matrix_of_an_open_clusterset_names_what_is_closed() -> None:
    closed = {"name": "no-ssh", "from": {}, "to": {"labels": {"app": "db"}}, "ports": [22], "action": "deny"}
    text = plan_table(planned(closed, default="allow"))
    assert "what no policy names: allow" in text
    assert "all, not tcp/22" in text


def test_every_cluster_holds_the_same_policies_and_its_own_rights() -> None:
    plan = planned(DB, default="deny")
    spec = fabric_policy(plan)["spec"]
    assert spec["default"] == "deny"
    assert [policy["name"] for policy in spec["policies"]] == ["fabric-verify", "frontend-to-db"]
    assert spec["policies"][1]["to"] == {"clusters": ["east"], "labels": {"app": "db"}}
    assert fabric(plan.cluster("east"))["spec"]["policies"] is True
    rights = {
        obj["metadata"]["name"]: [(rule["resources"], rule["verbs"]) for rule in obj["rules"]]
        for obj in policy_objects(plan, ["west"])
        if obj["kind"] in ("Role", "ClusterRole")
    }
    read = ["get", "list", "watch"]
    assert rights["fabric-peer-policies"] == [(["podidentities"], read)]
    assert rights["fabric-agent-policies"] == [(["fabricpolicies", "selections"], read)]
    assert rights["clusterset-fabric:fabric-sync-policies"] == [(["pods"], read)]
