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
