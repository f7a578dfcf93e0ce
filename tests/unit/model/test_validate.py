# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Variables become a model, or one clear error each."""

from __future__ import annotations

import pytest

from ansible_collections.clusterset.fabric.plugins.module_utils.model.validate import validate

GOOD = {"fabric_agent_image": "agent:1", "fabric_context": "kind-east"}


def test_defaults_come_from_the_argument_specs() -> None:
    model, errors = validate("east", GOOD)
    assert not errors
    assert model is not None
    assert (model.cluster_id, model.network_plugin, model.gateway_count) == ("east", "adopt", 2)
    assert model.tunnel_range == "10.248.0.0/14"


def test_strings_of_extra_vars_become_numbers_and_booleans() -> None:
    model, errors = validate("east", {**GOOD, "fabric_gateway_count": "3", "fabric_in_cluster": "true"})
    assert not errors
    assert model is not None
    assert (model.gateway_count, model.in_cluster) == (3, True)


def test_other_variables_are_none_of_our_business() -> None:
    assert validate("east", {**GOOD, "ansible_connection": "local", "site": "here"})[1] == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"fabric_gateway_cout": 1}, ["unknown variable fabric_gateway_cout", "fabric_gateway_count"]),
        ({"fabric_gateway_count": "many"}, ["fabric_gateway_count", "'many'", "int"]),
        ({"fabric_gateway_count": 0}, ["fabric_gateway_count is 0"]),
        ({"fabric_network_plugin": "weev"}, ["'weev'", "adopt, calico, flannel"]),
        ({"fabric_cluster_id": "East_1"}, ["'East_1'", "lower-case"]),
        ({"fabric_cluster_id": "a" * 64}, ["valid cluster id"]),
        ({"fabric_pod_cidrs": ["10.0.0.0/40"]}, ["10.0.0.0/40", "fabric_pod_cidrs"]),
        ({"fabric_pod_cidrs": [1]}, ["fabric_pod_cidrs", "type str"]),
        ({"fabric_gateway_endpoints": {"n": "host.example"}}, ["host.example", "IP address"]),
        ({"fabric_network_plugin_manifest": {"url": "https://x/y"}}, ["https://x/y", "sha256"]),
        ({"fabric_port_base": 70000}, ["70000"]),
        ({"fabric_agent_image": None}, ["fabric_agent_image is not set"]),
    ],
)
def test_bad_values_are_named_with_cluster_and_fix(change: dict[str, object], words: list[str]) -> None:
    model, errors = validate("east", {**GOOD, **change})
    text = "\n".join(map(str, errors))
    assert model is None
    assert text.startswith("east: ")
    assert "Fix:" in text
    assert all(word in text for word in words), text


def test_all_errors_come_at_once() -> None:
    _model, errors = validate("east", {"fabric_typo": 1, "fabric_gateway_count": "x"})
    assert len(errors) == 3


def test_entries_of_links_become_values() -> None:
    entry = {
        "between": ["east", "west"],
        "driver": "direct",
        "cost": "10",
        "next_hops": {"west": "192.0.2.2", "east": "192.0.2.1"},
    }
    model, errors = validate("east", {**GOOD, "fabric_links": [entry, {"between": ["*", "*"], "driver": "wireguard"}]})
    assert not errors
    assert model is not None
    line, vpn = model.links
    assert (line.between, line.cost, line.mtu) == (("east", "west"), 10, 0)
    assert line.next_hops == (("east", "192.0.2.1"), ("west", "192.0.2.2"))
    assert (vpn.driver, vpn.cost, vpn.encryption_required) == ("wireguard", 100, False)


def test_labels_are_strings_however_yaml_reads_them() -> None:
    model, _errors = validate("east", {**GOOD, "fabric_gateway_labels": {"edge": True, "rack": 1, "bare": ""}})
    assert model is not None
    assert model.gateway_labels == {"edge": "true", "rack": "1", "bare": ""}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"between": ["east"]}, ["between is ['east']", "two host name patterns"]),
        ({"between": "east"}, ["between is 'east'"]),
        ({"driver": "ipsec"}, ["'ipsec'", "wireguard, vxlan, direct"]),
        ({"driver": None}, ["driver is None"]),
        ({"cost": -1}, ["cost is -1"]),
        ({"cost": "cheap"}, ["cost is 'cheap'"]),
        ({"mtu": 1000}, ["mtu is 1000", "1280"]),
        ({"encrypted": "yes"}, ["encrypted is 'yes'", "required or optional"]),
        ({"encrypted": "required"}, ["driver vxlan does not encrypt", "wireguard"]),
        ({"next_hops": {"east": "192.0.2.1"}}, ["next_hops", "driver vxlan"]),
        ({"driver": "direct", "next_hops": {"east": "router"}}, ["'router' of east", "IPv4"]),
        ({"driver": "direct", "next_hops": ["router"]}, ["next_hops is ['router']"]),
        ({"dirver": "vxlan"}, ["unknown key 'dirver'", "driver?"]),
    ],
)
def test_a_bad_entry_of_links_is_named_with_its_place_and_a_fix(change: dict[str, object], words: list[str]) -> None:
    entry = {"between": ["east", "west"], "driver": "vxlan", **change}
    model, errors = validate("east", {**GOOD, "fabric_links": [{"between": ["*", "*"], "driver": "vxlan"}, entry]})
    text = "\n".join(map(str, errors))
    assert model is None
    assert text.startswith("east: fabric_links, entry 2: ")
    assert "Fix:" in text
    assert all(word in text for word in words), text


def test_an_entry_of_links_without_a_driver_takes_the_default_one() -> None:
    values = {**GOOD, "fabric_links": [{"between": ["hub", "*"]}], "fabric_link_driver": "vxlan"}
    model, errors = validate("east", values)
    assert not errors
    assert model is not None
    assert [link.driver for link in model.links] == ["vxlan"]


def test_ports_of_all_links_fit_above_the_base() -> None:
    for base, good in ((14790, False), (14791, True), (49152, True), (49153, False)):
        assert (validate("east", {**GOOD, "fabric_port_base": base})[0] is not None) is good


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({}, ["it chooses nothing"]),
        ({"name": "cart"}, ["'cart' has no namespace"]),
        ({"namespace": "shop", "name": "cart", "labels": {"a": "b"}}, ["name 'cart' and labels are given"]),
        ({"namespace": "Shop"}, ["namespace 'Shop'"]),
        ({"namespase": "shop"}, ["unknown key 'namespase'", "namespace?"]),
        ({"labels": ["a"]}, ["labels are ['a']"]),
        ({"labels": {"a b": "c"}}, ["'a b' is not the key"]),
        ({"labels": {"tier": 1}}, ["1 of tier", "in quotes"]),
    ],
)
def test_a_bad_entry_of_exports_is_named_with_its_place_and_a_fix(entry: dict[str, object], words: list[str]) -> None:
    model, errors = validate("east", {**GOOD, "fabric_exports": [{"namespace": "shop"}, entry]})
    text = "\n".join(map(str, errors))
    assert model is None
    assert text.startswith("east: fabric_exports, entry 2: ")
    assert "Fix:" in text
    assert all(word in text for word in words), text


def test_exports_of_a_cluster_without_services_are_refused() -> None:
    values = {**GOOD, "fabric_services": False, "fabric_exports": [{"namespace": "shop"}]}
    assert "fabric_exports is given" in str(validate("east", values)[1][0])
