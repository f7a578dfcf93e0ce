"""What a lab consists of: clusters with sizes, ranges and modes; from defaults, a file or the command line."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from .programs import KUBERNETES

PLUGINS = ("none", "lab")
PROXY_MODES = ("nftables", "iptables")
_NAME = re.compile(r"[a-z]([a-z0-9-]{0,28}[a-z0-9])?")
_FIRST_RANGE = 41


class SpecError(ValueError):
    """A lab that cannot be built as asked; the message names the cluster, the value and the fix."""


@dataclass(frozen=True)
class ClusterSpec:
    """One cluster. Ranges are IPv4 CIDRs; an empty one is filled in by the lab it belongs to."""

    name: str
    control_planes: int = 1
    workers: int = 1
    pod_range: str = ""
    service_range: str = ""
    issuer: str = ""  # service-account issuer, an https URL
    plugin: str = "none"  # "none": left to whoever uses the cluster; "lab": the lab's own, minimal
    proxy_mode: str = "nftables"  # of kube-proxy
    tcp_be_liberal: bool = True  # False: kube-proxy's iptables mode drops what conntrack calls INVALID
    strict_rp_filter: bool = False

    @property
    def context(self) -> str:
        return f"kind-{self.name}"

    @property
    def nodes(self) -> tuple[str, ...]:
        """Container names of all nodes, as kind gives them; the first is a control plane."""
        return (
            *_numbered(f"{self.name}-control-plane", self.control_planes),
            *_numbered(f"{self.name}-worker", self.workers),
        )


@dataclass(frozen=True)
class LabSpec:
    """A whole lab."""

    clusters: tuple[ClusterSpec, ...]
    kubernetes: str = KUBERNETES
    subnet: str = "172.30.0.0/24"  # of the nodes
    images: tuple[str, ...] = field(default=())  # archives that every node gets

    @property
    def node_count(self) -> int:
        return sum(len(cluster.nodes) for cluster in self.clusters)

    def cluster(self, name: str) -> ClusterSpec:
        """The cluster of that name; SpecError names the known ones."""
        for cluster in self.clusters:
            if cluster.name == name:
                return cluster
        raise SpecError(f"no cluster {name!r} in this lab; it has {', '.join(c.name for c in self.clusters)}")


def default_lab() -> LabSpec:
    """east and west wait for a plugin; north brings one, and has the settings that hide no fault."""
    return complete(
        LabSpec(
            (
                ClusterSpec("east", workers=2),
                ClusterSpec("west"),
                ClusterSpec("north", plugin="lab", proxy_mode="iptables", tcp_be_liberal=False, strict_rp_filter=True),
            )
        )
    )


def complete(lab: LabSpec) -> LabSpec:
    """Fills in what is left open (ranges by position, issuers by name) and checks the whole."""
    filled = []
    for number, cluster in enumerate(lab.clusters, _FIRST_RANGE):
        filled.append(
            replace(
                cluster,
                pod_range=cluster.pod_range or f"10.{number}.0.0/16",
                service_range=cluster.service_range or f"10.{100 + number}.0.0/16",
                issuer=cluster.issuer or f"https://{cluster.name}.lab.example",
            )
        )
    lab = replace(lab, clusters=tuple(filled))
    _check(lab)
    return lab


def from_mapping(data: Mapping[str, Any]) -> LabSpec:
    """A lab from a parsed file: keys of LabSpec; `clusters` is a mapping of name -> keys of ClusterSpec."""
    _known("the lab", data, LabSpec)
    clusters = data.get("clusters")
    if not isinstance(clusters, Mapping) or not clusters:
        raise SpecError("the lab has no clusters; write `clusters: {east: {workers: 2}}`")
    others = {key: value for key, value in data.items() if key != "clusters"}
    if "images" in others:
        others["images"] = tuple(others["images"])
    return complete(LabSpec(tuple(_cluster(name, values or {}) for name, values in clusters.items()), **others))


def from_options(options: list[str]) -> LabSpec:
    """A lab from command line words like `east:workers=2,plugin=lab`."""
    clusters: dict[str, dict[str, str]] = {}
    for option in options:
        name, _colon, rest = option.partition(":")
        pairs = [pair.partition("=") for pair in rest.split(",") if pair]
        clusters[name] = {key.strip(): value.strip() for key, _equals, value in pairs}
    return from_mapping({"clusters": clusters})


def from_file(path: Path) -> LabSpec:
    """A lab from a YAML file."""
    import yaml  # only this way of asking for a lab needs a package beyond the standard library

    data = yaml.safe_load(path.read_text())
    if not isinstance(data, Mapping):
        raise SpecError(f"{path}: not a mapping")
    return from_mapping(data)


def to_mapping(lab: LabSpec) -> dict[str, Any]:
    """The reverse of `from_mapping`, ready for JSON."""
    data = asdict(lab)
    data["clusters"] = {cluster.pop("name"): cluster for cluster in data["clusters"]}
    data["images"] = list(lab.images)
    return data


def _numbered(name: str, count: int) -> list[str]:
    return [name if number == 1 else f"{name}{number}" for number in range(1, count + 1)]


def _cluster(name: str, values: Mapping[str, Any]) -> ClusterSpec:
    _known(f"cluster {name}", values, ClusterSpec)
    kinds = {f.name: f.type for f in fields(ClusterSpec)}
    return ClusterSpec(name, **{key: _convert(name, key, str(kinds[key]), value) for key, value in values.items()})


def _convert(cluster: str, key: str, kind: str, value: Any) -> Any:
    text = str(value).lower()
    if kind == "bool":
        if text not in ("true", "false"):
            raise SpecError(f"cluster {cluster}: {key} is {value!r}; write true or false")
        return text == "true"
    if kind == "int":
        if not text.isdigit():
            raise SpecError(f"cluster {cluster}: {key} is {value!r}; write a number")
        return int(text)
    return str(value)


def _known(where: str, data: Mapping[str, Any], shape: type) -> None:
    names = {f.name for f in fields(shape)} - {"name"}
    unknown = sorted(set(data) - names)
    if unknown:
        raise SpecError(f"{where}: unknown {', '.join(unknown)}; known are {', '.join(sorted(names))}")


def _check(lab: LabSpec) -> None:
    names = [cluster.name for cluster in lab.clusters]
    for name in names:
        if not _NAME.fullmatch(name) or names.count(name) > 1:
            raise SpecError(f"cluster name {name!r}: must be unique, lower-case letters, digits and dashes, at most 30")
    for cluster in lab.clusters:
        _check_choice(cluster, "plugin", PLUGINS)
        _check_choice(cluster, "proxy_mode", PROXY_MODES)
        if cluster.control_planes < 1:
            raise SpecError(f"cluster {cluster.name}: control_planes is {cluster.control_planes}; 1 is the least")
        for key in ("pod_range", "service_range"):
            try:
                ipaddress.IPv4Network(getattr(cluster, key))
            except ValueError as error:
                raise SpecError(
                    f"cluster {cluster.name}: {key}: {error}; write an IPv4 range like 10.41.0.0/16"
                ) from None


def _check_choice(cluster: ClusterSpec, key: str, choices: tuple[str, ...]) -> None:
    value = getattr(cluster, key)
    if value not in choices:
        raise SpecError(f"cluster {cluster.name}: {key} is {value!r}; choose {' or '.join(choices)}")
