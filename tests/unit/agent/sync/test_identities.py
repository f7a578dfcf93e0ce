# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is published, and which addresses a selector stands for."""

from __future__ import annotations

import random
import time
from typing import Any

from clusterset_agent.policy import Policies, Policy, Selector
from clusterset_agent.sync.export import Endpoint, Export, Group, Port
from clusterset_agent.sync.identities import CHUNK, Identity, OwnPods, Source, placed, resolve, slim_pod

FRONTEND = Selector(("east", "west"), labels=(("app", "frontend"),))
DB = Selector(("east",), labels=(("app", "db"),), namespaces=("shop",))
CART = Selector(("east", "west"), export="shop/cart")
POLICIES = Policies(False, (Policy("db", True, FRONTEND, DB), Policy("cart", True, FRONTEND, CART)))


def pod(name: str, address: str, space: str = "shop", **labels: str) -> dict[str, Any]:
    metadata = {"namespace": space, "name": name, "labels": labels, "uid": "1", "annotations": {"a": "b"}}
    return slim_pod({"metadata": metadata, "spec": {}, "status": {"phase": "Running", "podIPs": [{"ip": address}]}})


def taken(*pods: dict[str, Any], cluster: str = "east") -> OwnPods:
    own = OwnPods()
    for each in pods:
        own.take((each["metadata"]["namespace"], each["metadata"]["name"]), each, cluster, POLICIES)
    return own


def test_only_pods_and_labels_that_a_policy_names_are_told() -> None:
    own = taken(
        pod("f1", "10.41.0.1", app="frontend", owner="secret"),
        pod("f2", "10.41.0.2", app="frontend", owner="other"),
        pod("db", "10.41.0.3", app="db"),
        pod("elsewhere", "10.41.0.4", space="kube-system", app="db"),
        pod("other", "10.41.0.5", app="other"),
    )
    assert own.known == {
        Identity("shop", (("app", "frontend"),)): {"10.41.0.1", "10.41.0.2"},
        Identity("shop", (("app", "db"),)): {"10.41.0.3"},
    }
    assert Identity("shop", (("app", "db"),)) not in taken(pod("db", "10.42.0.3", app="db"), cluster="west").known


def test_pods_of_the_host_network_and_those_that_are_over_are_left_out() -> None:
    base: dict[str, Any] = {"metadata": {"namespace": "shop", "name": "a", "labels": {"app": "frontend"}}}
    status = {"phase": "Running", "podIPs": [{"ip": "10.41.0.1"}]}
    assert slim_pod({**base, "spec": {}, "status": status})["addresses"] == ["10.41.0.1"]
    assert not slim_pod({**base, "spec": {"hostNetwork": True}, "status": status})["addresses"]
    assert not slim_pod({**base, "spec": {}, "status": {**status, "phase": "Succeeded"}})["addresses"]
    assert not slim_pod({**base, "spec": {}})["addresses"]


def test_an_address_goes_with_the_last_pod_that_has_it() -> None:
    own = taken(pod("a", "10.41.0.1", app="frontend"), pod("b", "10.41.0.1", app="frontend"))
    assert own.take(("shop", "a"), None, "east", POLICIES)
    assert own.known[Identity("shop", (("app", "frontend"),))] == {"10.41.0.1"}
    assert own.take(("shop", "b"), pod("b", "10.41.0.1", app="other"), "east", POLICIES)
    assert own.known == {}
    assert not own.take(("shop", "b"), pod("b", "10.41.0.1", app="another"), "east", POLICIES)


def export(cluster: str, address: str, port: int = 8080) -> Export:
    group = Group("IPv4", (Port("http", "TCP", port),), (Endpoint((address,)),))
    return Export(cluster, "shop", "cart", "ClusterSetIP", "2026-01-01T00:00:00Z", groups=(group,))


def test_a_selector_stands_for_pods_of_its_clusters_and_an_export_for_its_endpoints() -> None:
    frontend, db = Identity("shop", (("app", "frontend"),)), Identity("shop", (("app", "db"),))
    sources = [
        Source("east", {frontend: frozenset({"10.41.0.1"}), db: frozenset({"10.41.0.3"})}, lambda _key: []),
        Source(
            "west",
            {frontend: frozenset({"10.42.0.1"}), db: frozenset({"10.42.0.3"})},
            lambda key: [export("west", "10.42.0.7"), export("west", "10.41.9.9")] if key == ("shop", "cart") else [],
            lambda address: address.startswith("10.42."),
        ),
    ]
    assert resolve(POLICIES, sources) == {
        (FRONTEND.id, ()): {"10.41.0.1", "10.42.0.1"},
        (DB.id, ()): {"10.41.0.3"},
        (CART.id, ("tcp/8080",)): {"10.42.0.7"},
    }


def test_an_address_keeps_its_place_and_a_change_touches_one_object() -> None:
    wanted = {f"10.42.{number // 250}.{number % 250 + 1}" for number in range(1200)}
    first = placed({}, wanted, "a")
    assert sorted(map(len, first.values())) == [200, CHUNK, CHUNK]
    assert set.union(*map(set, first.values())) == wanted
    changed = wanted - {"10.42.0.1"} | {"10.42.9.9"}
    second = placed(first, changed, "a")
    assert sum(first.get(name) != second.get(name) for name in first.keys() | second.keys()) == 1
    assert placed(second, (), "a") == {}
    twice = {"a-0": ["10.42.0.1"], "a-1": ["10.42.0.1"]}
    assert placed(twice, ["10.42.0.1"], "a") == {"a-0": {"10.42.0.1"}}


def test_ten_thousand_pods_in_two_hundred_sets_cost_little() -> None:
    random.seed(6)
    labels = [Selector(("east",), labels=(("app", f"a{number}"),)) for number in range(200)]
    policies = Policies(False, tuple(Policy(f"p{n}", True, each, DB) for n, each in enumerate(labels)))
    own = OwnPods()
    for number in range(10_000):
        each = pod(f"p{number}", f"10.41.{number // 250}.{number % 250 + 1}", app=f"a{number % 200}")
        own.take(("shop", f"p{number}"), each, "east", policies)
    assert len(own.known) == 200
    began = time.process_time()
    for _round in range(5):
        own.take(("shop", "p0"), pod("p0", "10.41.0.1", app=f"a{random.randrange(200)}"), "east", policies)
        found = resolve(policies, [Source("east", own.known)])
    took = (time.process_time() - began) / 5
    assert sum(map(len, found.values())) == 10_000
    print(f"a change among 10,000 pods: {1000 * took:.0f} ms")
    assert took < 1.0
