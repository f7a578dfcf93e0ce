"""What nodes are told: kind's document, kernel settings, the plugin, the mirror, the images of flannel."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.lab import kindconfig, plugin, published, rootfs
from tests.lab.nodeimage import flannel_images
from tests.lab.programs import KUBERNETES
from tests.lab.spec import default_lab


def document(name: str, own_image: bool = True) -> dict[str, object]:
    cluster = default_lab().cluster(name)
    parsed: dict[str, object] = json.loads(kindconfig.config(cluster, 7443, own_image=own_image, extras=Path("/x")))
    return parsed


def patches(name: str) -> dict[str, dict[str, object]]:
    listed = document(name)["kubeadmConfigPatches"]
    assert isinstance(listed, list)
    return {patch["kind"]: patch for patch in map(json.loads, listed)}


def test_each_cluster_issues_tokens_under_its_own_name() -> None:
    argument = {"name": "service-account-issuer", "value": "https://west.lab.example"}
    assert patches("west")["ClusterConfiguration"]["apiServer"] == {"extraArgs": [argument]}


def test_north_hides_no_fault() -> None:
    north = default_lab().cluster("north")
    assert patches("north")["KubeProxyConfiguration"]["conntrack"] == {"tcpBeLiberal": False}
    assert "net.ipv4.conf.all.rp_filter = 1" in kindconfig.node_settings(north)


def test_kinds_own_plugin_is_left_out_where_somebody_else_brings_one() -> None:
    def disabled(name: str, own_image: bool) -> object:
        networking = document(name, own_image)["networking"]
        assert isinstance(networking, dict)
        return networking["disableDefaultCNI"]

    assert disabled("east", own_image=False)
    assert disabled("north", own_image=True), "our node image has no kindnet"
    assert not disabled("north", own_image=False)


def test_the_plugin_of_the_lab_runs_everywhere_and_waits_for_nothing() -> None:
    items = json.loads(plugin.manifest(default_lab().cluster("north")))["items"]
    pod = next(item for item in items if item["kind"] == "DaemonSet")["spec"]["template"]["spec"]
    assert pod["hostNetwork"]
    assert pod["tolerations"] == [{"operator": "Exists"}]
    environment = {entry["name"]: entry.get("value") for entry in pod["containers"][0]["env"]}
    assert (environment["POD_RANGE"], environment["API"]) == ("10.43.0.0/16", "https://north-control-plane:6443")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("sources.list", "deb [signed-by=/k.gpg] http://mirror.example/debian bookworm main\n"),
        ("sources.list.d/debian.sources", "Types: deb\nURIs: http://mirror.example/debian\nSuites: bookworm\n"),
    ],
)
def test_the_mirror_of_the_machine_is_used(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / "sources.list.d").mkdir()
    (tmp_path / "sources.list.d/another.list").write_text("deb https://other.example/repository stable main\n")
    (tmp_path / name).write_text(text)
    assert rootfs.host_mirror(tmp_path) == "http://mirror.example/debian"


def test_without_a_mirror_mmdebstrap_decides(tmp_path: Path) -> None:
    assert rootfs.host_mirror(tmp_path) == ""


def test_flannels_images_are_named_by_its_manifest() -> None:
    names = ("flannel-cni-plugin:v1", "flannel:v2", "flannel:v2")
    text = "".join(f"        image: r.example/{name}\n" for name in names)
    assert flannel_images(text) == ("r.example/flannel:v2", "r.example/flannel-cni-plugin:v1")
    with pytest.raises(RuntimeError, match="expected its own and its plugin's"):
        flannel_images("image: r.example/flannel:v2\n")


def test_a_published_node_image_is_pinned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LAB_NODE_IMAGE", raising=False)
    name, _mark, pin = published.node_image(KUBERNETES).partition("@sha256:")
    assert len(pin) == 64
    assert name.rpartition(".")[0] == f"kindest/node:{KUBERNETES.rpartition('.')[0]}"
    assert published.node_image("v1.35.1") == "kindest/node:v1.35.1"


@pytest.mark.parametrize(
    ("answer", "usable"),
    [("kind v0.33.0 go1.26.1 linux/amd64\n", True), ("kind v0.9.0 go1.15", False), ("kind v1.0.0", True), ("", False)],
)
def test_only_a_kind_that_knows_the_image_is_used(answer: str, usable: bool) -> None:
    assert published.new_enough(answer) is usable
