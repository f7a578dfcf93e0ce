"""The pools that tell Calico of other clusters' ranges."""

from __future__ import annotations

from ansible_collections.clusterset.fabric.plugins.module_utils.facts.ranges import calico_ranges
from ansible_collections.clusterset.fabric.plugins.module_utils.objects.network_plugin.pools import calico_remote_pools

PEERS = {"west": ["10.142.0.0/16", "10.42.0.0/16"], "north": ["fd00:43::/56", "10.43.0.0/28", "10.43.0.0/28"]}


def test_one_pool_for_each_range() -> None:
    made = {item["metadata"]["name"]: item["spec"] for item in calico_remote_pools(PEERS)}
    assert list(made) == [
        "fabric-north-10-43-0-0-28",
        "fabric-north-fd00-43-56",
        "fabric-west-10-142-0-0-16",
        "fabric-west-10-42-0-0-16",
    ]
    assert made["fabric-west-10-42-0-0-16"] == {
        "cidr": "10.42.0.0/16",
        "blockSize": 26,
        "disabled": True,
        "disableBGPExport": True,
        "natOutgoing": False,
        "ipipMode": "Never",
        "vxlanMode": "Never",
        "allowedUses": ["Workload"],
        "nodeSelector": "all()",
    }


def test_a_block_is_never_larger_than_its_pool() -> None:
    sizes = {item["spec"]["cidr"]: item["spec"]["blockSize"] for item in calico_remote_pools(PEERS)}
    assert (sizes["10.43.0.0/28"], sizes["fd00:43::/56"]) == (28, 122)


def test_our_pools_never_become_facts() -> None:
    pools = calico_remote_pools(PEERS)
    for pool in pools:
        pool["spec"]["disabled"] = False  # even if somebody enables one
    assert calico_ranges(pools) == []
