# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the services stage puts into a cluster, and what the plan says of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.clusterset.fabric.plugins.module_utils.model.types import ExportWish
from ansible_collections.clusterset.fabric.plugins.module_utils.model.validate import validate
from ansible_collections.clusterset.fabric.plugins.module_utils.objects.links import fabric
from ansible_collections.clusterset.fabric.plugins.module_utils.objects.mcs_crds import mcs_crds
from ansible_collections.clusterset.fabric.plugins.module_utils.objects.services import (
    peer_account,
    peer_role,
    service_objects,
    sync_deployment,
)
from ansible_collections.clusterset.fabric.plugins.module_utils.objects.token_limit import token_limit
from ansible_collections.clusterset.fabric.plugins.module_utils.plan.build import build_plan
from ansible_collections.clusterset.fabric.plugins.module_utils.plan.types import plan_from_json
from ansible_collections.clusterset.fabric.plugins.module_utils.report.plan_table import plan_table
from tests.unit.plan.samples import facts, model


def planned(version: str = "1.14.2", server: str = "coredns", **changes: object) -> tuple[str, str]:
    """East's plan of services, and what the table says."""
    found = replace(facts("east"), dns=server, dns_version=version)
    plan = build_plan([model("east", **changes)], {"east": found})
    assert plan_from_json(plan.to_json()) == plan
    return plan.cluster("east").services.dns, plan_table(plan)


def test_names_need_a_coredns_that_can_answer_for_them() -> None:
    assert planned()[0] == "corefile"
    assert planned("1.12.2")[0] == "corefile"
    assert "services, names" in planned()[1]
    for version, server in (("1.11.3", "coredns"), ("", "coredns"), ("", "kube-dns"), ("", "")):
        why, table = planned(version, server)
        assert f"since {why}" in table
    assert "since" not in planned("1.11.3", service_dns=False)[1]


def test_beside_a_coredns_that_is_too_old_one_of_ours_is_run() -> None:
    how, table = planned("1.11.3", dns_image="coredns:1")
    assert how == "stub"
    assert "a CoreDNS of our own answers" in table
    assert "services, names" in table
    assert planned("", dns_image="coredns:1")[0] == "the version of its CoreDNS is unknown"


def test_services_that_are_off_cost_nothing_and_go_where_they_were() -> None:
    made = build_plan([model("east", services=False)], {"east": facts("east")})
    assert made.cluster("east").services.action == "off"
    owned = replace(facts("east").owned, bundles=("links", "services"))
    made = build_plan([model("east", services=False)], {"east": replace(facts("east"), owned=owned)})
    assert made.cluster("east").services.action == "remove"


def test_exports_of_the_inventory_reach_the_sync_part_by_the_fabric_object() -> None:
    wishes = (ExportWish("shop", "cart"), ExportWish(labels=(("team", "a"),)))
    made = build_plan([model("east", exports=wishes)], {"east": facts("east")})
    assert plan_from_json(made.to_json()) == made
    rows = fabric(made.cluster("east"))["spec"]["exports"]
    assert rows == [{"namespace": "shop", "name": "cart"}, {"labels": {"team": "a"}}]
    assert "exports" not in fabric(build_plan([model("east")], {"east": facts("east")}).cluster("east"))["spec"]


def test_a_peer_may_read_exports_and_renew_its_own_token_only() -> None:
    verbs = {verb for rule in peer_role()["rules"] for verb in rule["verbs"]}
    assert verbs == {"get", "list", "watch"}
    _account, token, *bindings = peer_account("west")
    assert token["rules"] == [
        {"apiGroups": [""], "resources": ["serviceaccounts/token"], "resourceNames": ["peer-west"], "verbs": ["create"]}
    ]
    assert {subject["name"] for each in bindings for subject in each["subjects"]} == {"peer-west"}


def test_the_sync_part_has_no_power_over_nodes() -> None:
    pod = sync_deployment("agent:1", peer_timeout=5, token_hours=24)["spec"]["template"]["spec"]
    assert "hostNetwork" not in pod
    (container,) = pod["containers"]
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    secrets = [
        rule
        for obj in service_objects("agent:1", ["west"], peer_timeout=5, token_hours=24)
        for rule in obj.get("rules", ())
        if "secrets" in rule["resources"] and obj["kind"] == "ClusterRole"
    ]
    assert not secrets


def test_both_versions_of_the_definitions_are_alike() -> None:
    for crd in mcs_crds():
        first, second = crd["spec"]["versions"]
        assert first["schema"] == second["schema"]
        assert [each["name"] for each in (first, second) if each["storage"]] == ["v1beta1"]


@pytest.mark.parametrize("value", ["10.0.0.1", "https://a:1", "a b:1", "a:"])
def test_an_endpoint_is_host_and_port(value: str) -> None:
    given = {"fabric_agent_image": "agent:1", "fabric_api_endpoint": value}
    assert "fabric_api_endpoint" in str(validate("east", given)[1][0])
    assert not validate("east", {**given, "fabric_api_endpoint": "api.example.org:6443"})[1]
    assert not validate("east", {**given, "fabric_api_endpoint": "[fd00::1]:6443"})[1]


def test_the_life_of_tokens_is_limited_to_a_week_or_what_is_asked_for() -> None:
    for hours, most in ((1, 168), (24, 168), (200, 200)):
        policy, binding = token_limit(hours)
        (validation,) = policy["spec"]["validations"]
        assert validation["expression"] == f"object.spec.expirationSeconds <= {most * 3600}"
        assert binding["spec"] == {"policyName": policy["metadata"]["name"], "validationActions": ["Deny"]}
