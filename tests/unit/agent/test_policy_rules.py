# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of policies: what it says, and that nft takes it and changes it by elements."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from typing import Any

import pytest

from clusterset_agent.families import IPV4, IPV6
from clusterset_agent.faults import AgentError
from clusterset_agent.policy import API, CLOSED, Policies, Selector, parse_policies
from clusterset_agent.policy_rules import Rules, render_policies
from clusterset_agent.policy_table import _differences

from .samples import FABRIC, LOCAL, WEST, situation

EVERYWHERE = ["east", "west"]
FRONTEND = Selector(("east", "west"), labels=(("app", "frontend"),))
DB = Selector(("east",), labels=(("app", "db"),))
CART = Selector(("east", "west"), export="shop/cart")


def row(name: str, source: dict[str, Any], target: dict[str, Any], **more: Any) -> dict[str, Any]:
    ends = {"from": {"clusters": EVERYWHERE, **source}, "to": {"clusters": EVERYWHERE, **target}}
    return {"name": name, "action": "allow", **ends, **more}


SPEC = {
    "default": "deny",
    "policies": [
        row("db", {"labels": {"app": "frontend"}}, {"labels": {"app": "db"}, "clusters": ["east"]}, ports=["tcp/5432"]),
        row("cart", {"namespaces": ["web"]}, {"export": "shop/cart"}),
        row("rest", {}, {"labels": {"app": "db"}, "clusters": ["east"]}, action="deny"),
    ],
}
SELECTIONS = {
    FRONTEND.id: {(): frozenset({"10.41.0.3", "10.42.0.3", "fd00:42::3"})},
    DB.id: {(): frozenset({"10.41.0.9"})},
    CART.id: {("tcp/8080",): frozenset({"10.41.0.7"}), ("tcp/8080", "udp/53"): frozenset({"10.42.0.7"})},
    API: {("tcp/443",): frozenset({"10.141.0.1"})},
}


def rules(policies: Policies | None = None, family: int = IPV4, **changes: Any) -> Rules:
    return render_policies(situation("g1", **changes), policies or parse_policies(SPEC), SELECTIONS, family)


def chain(text: str, name: str) -> list[str]:
    return [line.strip() for line in text.split(f"  chain {name} {{\n")[1].split("\n  }")[0].splitlines()]


def test_the_same_input_gives_the_same_text_and_addresses_are_no_part_of_it() -> None:
    first, second = rules(), rules()
    assert first == second
    assert "10.41.0.9" not in first.frame
    assert first.sets[f"pods_{DB.id}"] == {"10.41.0.9"}
    assert first.sets[f"pods_{FRONTEND.id}"] == {"10.41.0.3", "10.42.0.3"}


def test_opening_goes_by_the_order_and_ends_with_the_default() -> None:
    opening = chain(rules().frame, "opening")
    assert opening[0] == (
        f"ip saddr @pods_{FRONTEND.id} ip daddr @pods_{DB.id} tcp dport {{ 5432 }} counter name policy.db accept"
    )
    assert [line.split("policy.")[1] for line in opening[:-1]] == [
        "db accept", "cart accept", "cart accept", "cart accept", "rest drop",
    ]  # fmt: skip
    assert opening[-1] == "counter name other.default drop"
    assert chain(rules(replace(parse_policies(SPEC), default_allow=True)).frame, "opening")[-1].endswith("accept")


def test_an_export_is_reached_at_its_own_ports_in_each_cluster() -> None:
    cart = [line for line in chain(rules().frame, "opening") if "policy.cart" in line]
    assert [line.split("@")[2].split(" counter")[0] for line in cart] == [
        f"pods_{CART.id}_tcp_8080 tcp dport {{ 8080 }}",
        f"pods_{CART.id}_tcp_8080_udp_53 tcp dport {{ 8080 }}",
        f"pods_{CART.id}_tcp_8080_udp_53 udp dport {{ 53 }}",
    ]


def test_an_answer_is_the_question_turned_round_and_a_denial_looks_for_one() -> None:
    text = rules().frame
    assert chain(text, "answered")[0].startswith(f"ip saddr @pods_{DB.id} ip daddr @pods_{FRONTEND.id} tcp sport")
    assert "counter name policy.rest goto answered_or_denied" in chain(text, "going")[-2]
    assert chain(text, "answered_or_denied")[-1] == "drop"


def test_what_is_ours_passes_before_any_policy() -> None:
    judged = chain(rules(CLOSED).frame, "judged")
    assert judged[0] == "ip saddr @tunnels ip daddr @tunnels accept"
    assert "ct original ip daddr 10.141.0.1 meta l4proto tcp ct original proto-dst 443 accept" in judged
    assert judged[-2:] == ["tcp flags & (syn | ack) == syn goto opening", "goto going"]


def test_a_link_brings_the_addresses_of_its_peer_only() -> None:
    (rule,) = chain(rules().frame, "spoofed")[1:]
    assert "ip saddr != { 10.142.0.0/16, 10.248.8.0/22, 10.42.0.0/16 }" in rule
    line = {**WEST, "links": [{"driver": "direct", "cost": 10, "mtu": 1500}]}
    (rule,) = chain(rules(peers=(line,)).frame, "spoofed")[1:]
    assert rule.startswith('iifname "eth0" ip saddr { 10.248.0.0/22, 10.41.0.0/16 }')
    made = situation("g1", line)
    shared = replace(made, facts=replace(LOCAL, transports=("eth0",)))
    assert len(chain(render_policies(shared, CLOSED, {}, IPV4).frame, "spoofed")) == 1


def test_a_cluster_between_others_leaves_it_to_them() -> None:
    assert not any("remote_all counter" in rule for rule in chain(rules(transit=True).frame, "leaving"))
    assert any("remote_all counter" in rule for rule in chain(rules().frame, "leaving"))


@pytest.mark.parametrize("change", [{"name": "a; drop"}, {"ports": ["tcp/80 }"]}, {"action": "maybe"}, {"from": None}])
def test_what_cannot_be_text_for_nft_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(AgentError):
        parse_policies({"default": "allow", "policies": [{**SPEC["policies"][0], **change}]})  # type: ignore[index]


def test_differences_remove_before_they_add() -> None:
    lines = _differences("ip t", {"a": frozenset({"1.1.1.1"})}, {"a": frozenset(), "b": frozenset({"1.1.1.1"})})
    assert lines == ["delete element ip t a { 1.1.1.1 }", "add element ip t b { 1.1.1.1 }"]


SCRIPT = """
import sys, time
sys.path[:0] = sys.argv[1].split(":")
from tests.unit.agent.test_policy_rules import apply_for_real
apply_for_real()
"""


def apply_for_real() -> None:
    """Run in a network namespace of its own: nft takes both tables, changes elements, repairs what others broke."""
    from clusterset_agent.policy_table import PolicyTable
    from clusterset_agent.programs import run

    both = situation("g1", {**WEST, "podCIDRs": ["10.42.0.0/16", "fd00:42::/48"]}, **DUAL)
    policies, table = parse_policies(SPEC), PolicyTable("ip")
    PolicyTable("ip6").converge(render_policies(both, policies, SELECTIONS, IPV6))
    made = render_policies(both, policies, SELECTIONS, IPV4)
    assert table.converge(made) == ["table ip clusterset_policy replaced"]
    assert table.converge(made) == []
    many = frozenset(f"10.42.{number // 250}.{number % 250 + 1}" for number in range(10000))
    large = replace(made, sets={**made.sets, f"pods_{FRONTEND.id}": many})
    assert table.converge(large, check=False) == ["2 sets of table ip clusterset_policy changed"]
    began = time.monotonic()
    fewer = replace(made, sets={**large.sets, f"pods_{FRONTEND.id}": many - {"10.42.0.1"} | {"10.41.9.9"}})
    assert table.converge(fewer, check=False) == ["2 sets of table ip clusterset_policy changed"]
    print(f"one address of 10,000 changed in {1000 * (time.monotonic() - began):.0f} ms")
    run("nft", "flush", "chain", "ip", "clusterset_policy", "opening")
    assert table.converge(fewer) == ["table ip clusterset_policy replaced"]
    assert table.counts()["policy.db"] == 0
    assert table.converge(None) == ["table ip clusterset_policy deleted"]
    assert table.converge(None) == []
    assert PolicyTable("ip6").converge(None) == ["table ip6 clusterset_policy deleted"]
    assert "clusterset" not in run("nft", "list", "tables")


DUAL: dict[str, Any] = {"podCIDRs": [*FABRIC["podCIDRs"], "fd00:41::/48"]}


def test_nft_takes_it_and_changes_it_element_by_element() -> None:
    if os.geteuid() != 0 or not shutil.which("nft") or not shutil.which("unshare"):
        pytest.skip("needs root and nft, for a network namespace of its own")
    words = ["unshare", "--net", sys.executable, "-c", SCRIPT, os.pathsep.join(sys.path)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    print(done.stdout)
