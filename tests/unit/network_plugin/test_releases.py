"""Which plugin version goes with which Kubernetes, and where its manifests are."""

from __future__ import annotations

import hashlib

import pytest

from ansible_collections.clusterset.fabric.plugins.module_utils.errors import FabricError
from ansible_collections.clusterset.fabric.plugins.module_utils.facts.releases import (
    DEFAULT_VERSIONS,
    check_supported,
    known_files,
    minor_of,
)
from tests.unit.network_plugin.manifests import upstream


@pytest.mark.parametrize(
    ("plugin", "version", "kubernetes"),
    [
        ("calico", "v3.32.1", "v1.36.3"),
        ("calico", "v3.32.9", "v1.34.0-eks-113cf36"),
        ("calico", "3.33.1", "v1.37.0"),
        ("flannel", "v0.28.9", "v1.37.0+k3s1"),
        ("flannel", "v0.28.9", ""),
    ],
)
def test_supported(plugin: str, version: str, kubernetes: str) -> None:
    check_supported(plugin, version, kubernetes, cluster="east")


@pytest.mark.parametrize(
    ("plugin", "version", "kubernetes", "message", "fix"),
    [
        ("calico", "v3.31.7", "v1.36.3", "calico v3.31.7 does not support Kubernetes v1.36.3", "3.32, 3.33"),
        ("calico", "v3.33.1", "v1.34.1", "calico v3.33.1 does not support Kubernetes v1.34.1", "3.30, 3.31, 3.32"),
        ("calico", "v4.0.0", "v1.36.3", "calico v4.0.0 is not known", "3.32, 3.33"),
        ("calico", "v3.32.1", "v1.40.0", "calico v3.32.1 does not support Kubernetes v1.40.0", "none"),
        ("flannel", "v0.28.9", "v1.16.0", "flannel v0.28.9 does not support Kubernetes v1.16.0", "none"),
    ],
)
def test_refused(plugin: str, version: str, kubernetes: str, message: str, fix: str) -> None:
    with pytest.raises(FabricError) as caught:
        check_supported(plugin, version, kubernetes, cluster="east")
    assert str(caught.value).startswith(f"east: {message}")
    assert fix in caught.value.fix


def test_minor_of() -> None:
    assert minor_of("v1.36.3") == minor_of("1.36") == minor_of("v1.36.3+k3s1") == (1, 36)
    assert minor_of("") is None


def names(plugin: str, version: str, kubernetes: str) -> list[str]:
    return [each.url.rpartition("/")[2] for each in known_files(plugin, version, kubernetes)]


def test_calico_has_its_native_api_where_the_cluster_can_serve_it() -> None:
    assert names("calico", "v3.32.1", "v1.36.3") == ["calico-v3-crds.yaml"]
    assert names("calico", "v3.32.1", "v1.35.3") == ["calico-vxlan.yaml", "apiserver.yaml"]


def test_a_version_without_a_known_digest_is_refused() -> None:
    with pytest.raises(FabricError, match=r"no digest of flannel v0\.27\.0"):
        known_files("flannel", "v0.27.0", "v1.36.3", cluster="east")


@pytest.mark.parametrize("plugin", ["flannel", "calico"])
@pytest.mark.parametrize("kubernetes", ["v1.35.0", "v1.36.0"])
def test_digests_are_those_of_upstream(plugin: str, kubernetes: str) -> None:
    version = DEFAULT_VERSIONS[plugin]
    for each in known_files(plugin, version, kubernetes):
        text = upstream(f"{plugin}-{version}/{each.url.rpartition('/')[2]}")
        assert hashlib.sha256(text.encode()).hexdigest() == each.sha256
