# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From raw ``fabric_*`` variables to a ClusterModel, or to a list of clear errors."""

from __future__ import annotations

import difflib
import ipaddress
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from ..errors import FabricError
from .export_wishes import export_wishes
from .link_wishes import link_wishes
from .policy_wishes import policy_wishes
from .specs import VariableSpec, known_variables
from .types import ClusterModel, ManifestSource

CLUSTER_ID = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
SHA256 = re.compile(r"[0-9a-f]{64}")
LOWEST_PORT_BASE = 14791  # above the ports of vxlan and metrics
HIGHEST_PORT_BASE = 65536 - 4 * 4096  # of each slot 4096 ports, for 256 clusters with 16 gateways
CHECKS: Mapping[str, Callable[[Any], bool]] = {
    "str": lambda value: isinstance(value, str),
    "path": lambda value: isinstance(value, str),
    "int": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "bool": lambda value: isinstance(value, bool),
    "list": lambda value: isinstance(value, list),
    "dict": lambda value: isinstance(value, dict),
    "raw": lambda value: True,
}


def validate(host: str, raw: Mapping[str, Any]) -> tuple[ClusterModel | None, list[FabricError]]:
    """Check one cluster's variables.

    :param host: inventory host name.
    :param raw: variables by name; only ``fabric_*`` names are looked at.
    :returns: the model, or None together with every error found.
    """
    given = {name: value for name, value in raw.items() if name.startswith("fabric_")}
    known = known_variables()
    errors = [_unknown(host, name, known) for name in sorted(given) if name not in known]
    values: dict[str, Any] = {}
    for name, spec in known.items():
        value = _coerce(given.get(name, spec.default), spec.type)
        if value is None:
            if spec.required:
                errors.append(FabricError(f"{name} is not set", cluster=host, fix=f"set {name} for this cluster"))
            continue
        problem = _problem(spec, value)
        if problem:
            errors.append(FabricError(f"{name}: {value!r} {problem}", cluster=host, fix=f"correct {name}"))
        else:
            values[name] = value
    if errors:
        return None, errors
    links, errors = link_wishes(host, values["fabric_links"], values["fabric_link_driver"])
    exports, wrong = export_wishes(host, values["fabric_exports"])
    policies, problems = policy_wishes(host, values["fabric_policies"])
    model = replace(_model(host, values), links=links, exports=exports, policies=policies)
    errors += wrong + problems + _meaning(model)
    return (None if errors else model), errors


def _unknown(host: str, name: str, known: Mapping[str, VariableSpec]) -> FabricError:
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]}?" if near else "remove it"
    return FabricError(f"unknown variable {name}", cluster=host, fix=hint)


def _coerce(value: Any, kind: str) -> Any:
    """Extra vars and surveys arrive as strings; numbers, booleans and comma lists are meant as such."""
    if isinstance(value, str) and kind == "int" and re.fullmatch(r"-?\d+", value):
        return int(value)
    if isinstance(value, str) and kind == "bool" and value.lower() in ("true", "yes", "false", "no"):
        return value.lower() in ("true", "yes")
    if isinstance(value, str) and kind == "list":
        return [item.strip() for item in value.split(",") if item.strip()]
    return value


def _problem(spec: VariableSpec, value: Any) -> str:
    if not CHECKS[spec.type](value):
        return f"is not of type {spec.type}"
    if spec.choices and value not in spec.choices:
        return f"is not one of {', '.join(map(str, spec.choices))}"
    if spec.elements and not all(CHECKS[spec.elements](item) for item in value):
        return f"has an item that is not of type {spec.elements}"
    return ""


def _model(host: str, values: Mapping[str, Any]) -> ClusterModel:
    """All but what is a list of entries."""
    return ClusterModel(
        host=host,
        cluster_id=values.get("fabric_cluster_id", host),
        clusterset=values["fabric_clusterset"],
        agent_image=values["fabric_agent_image"],
        kubeconfig=values.get("fabric_kubeconfig"),
        context=values.get("fabric_context"),
        in_cluster=values["fabric_in_cluster"],
        pod_cidrs=tuple(values["fabric_pod_cidrs"]),
        service_cidrs=tuple(values["fabric_service_cidrs"]),
        tunnel_range=values["fabric_tunnel_range"],
        network_plugin=values["fabric_network_plugin"],
        network_plugin_version=values["fabric_network_plugin_version"],
        network_plugin_manifest=_manifest(values.get("fabric_network_plugin_manifest")),
        gateway_count=values["fabric_gateway_count"],
        gateway_nodes=tuple(values["fabric_gateway_nodes"]),
        gateway_labels={key: _label(value) for key, value in values["fabric_gateway_labels"].items()},
        gateway_endpoints=dict(values["fabric_gateway_endpoints"]),
        behind_nat=values["fabric_gateways_behind_nat"],
        link_driver=values["fabric_link_driver"],
        transit=values["fabric_transit"],
        underlay_mtu=values.get("fabric_underlay_mtu", 0),
        port_base=values["fabric_port_base"],
        services=values["fabric_services"],
        service_dns=values["fabric_service_dns"],
        dns_image=values["fabric_dns_image"],
        api_endpoint=values["fabric_api_endpoint"],
        peer_timeout=values["fabric_peer_timeout"],
        peer_token_hours=values["fabric_peer_token_hours"],
        state=values["fabric_state"],
        policy_default=values["fabric_policy_default"],
        deadline=values["fabric_deadline"],
    )


def _label(value: Any) -> str:
    """Labels are strings; YAML reads an unquoted ``true`` or ``1`` as something else."""
    return str(value).lower() if isinstance(value, bool) else str(value if value is not None else "")


def _manifest(value: Any) -> ManifestSource | None:
    if not value:
        return None
    if isinstance(value, str):
        return ManifestSource(path=value)
    return ManifestSource(**{key: str(value.get(key, "")) for key in ("path", "url", "sha256")})


def _meaning(model: ClusterModel) -> list[FabricError]:
    """What types alone cannot tell."""
    found: list[tuple[str, str]] = []
    if not CLUSTER_ID.fullmatch(model.cluster_id):
        found.append(
            (
                f"fabric_cluster_id {model.cluster_id!r} is not a valid cluster id",
                "use 1-63 lower-case letters, digits and '-', beginning and ending with a letter or digit",
            )
        )
    ranges = [("fabric_tunnel_range", model.tunnel_range)]
    ranges += [("fabric_pod_cidrs", cidr) for cidr in model.pod_cidrs]
    ranges += [("fabric_service_cidrs", cidr) for cidr in model.service_cidrs]
    found += [
        (f"{name}: {cidr!r} is not a network range", "write it like 10.42.0.0/16")
        for name, cidr in ranges
        if not _is_network(cidr)
    ]
    for node, address in model.gateway_endpoints.items():
        if not _is_address(address):
            found.append(
                (f"fabric_gateway_endpoints: {address!r} of node {node} is not an IP address", "give an IPv4 address")
            )
    if model.gateway_count < 1:
        found.append((f"fabric_gateway_count is {model.gateway_count}", "a cluster needs at least one gateway"))
    manifest = model.network_plugin_manifest
    if manifest and manifest.url and not SHA256.fullmatch(manifest.sha256):
        found.append(
            (
                f"fabric_network_plugin_manifest: {manifest.url} has no valid sha256",
                "give the file's SHA-256, 64 hex digits",
            )
        )
    if not LOWEST_PORT_BASE <= model.port_base <= HIGHEST_PORT_BASE:
        fix = f"choose a port from {LOWEST_PORT_BASE} to {HIGHEST_PORT_BASE}"
        found.append((f"fabric_port_base is {model.port_base}", fix))
    found += _services(model)
    return [FabricError(message, cluster=model.host, fix=fix) for message, fix in found]


def _services(model: ClusterModel) -> Iterator[tuple[str, str]]:
    """What is wrong with the variables of the services role, with the fix."""
    if model.api_endpoint and not re.fullmatch(r"(\[[0-9a-fA-F:]+\]|[^\s:/]+):\d{1,5}", model.api_endpoint):
        yield f"fabric_api_endpoint {model.api_endpoint!r} is not host:port", "write it like 203.0.113.10:6443"
    if model.exports and not model.services:
        yield "fabric_exports is given, and fabric_services is false", "remove one of them"
    if model.peer_timeout < 2:
        yield f"fabric_peer_timeout is {model.peer_timeout}", "signs of life come every second: use 2 or more"
    if model.peer_token_hours < 1:
        yield f"fabric_peer_token_hours is {model.peer_token_hours}", "use 1 or more"


def _is_network(text: str) -> bool:
    try:
        ipaddress.ip_network(text)
    except ValueError:
        return False
    return True


def _is_address(text: object) -> bool:
    try:
        ipaddress.IPv4Address(str(text))
    except ValueError:
        return False
    return True
