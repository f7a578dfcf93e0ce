"""The node image: a Debian root file system, the programs of a node, and the images that its pods need."""

from __future__ import annotations

import re
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from . import rootfs
from .cache import Cache, digest
from .golang import Builder
from .ociimage import Image, write_archive, write_layer
from .outputs import flannel_manifest
from .paths import FILES
from .programs import COREDNS, programs
from .steps import Steps

BASE_IMAGE = "docker.io/local/agent-base:bookworm"
PAUSE_IMAGE = "registry.k8s.io/pause:3.10.2"
ETCD_IMAGE = "registry.k8s.io/etcd:3.6.8-0"
COREDNS_IMAGE = f"registry.k8s.io/coredns/coredns:{COREDNS}"
CONTROL_PLANE = ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy")
_BIN = "usr/local/bin"


@dataclass(frozen=True)
class Parts:
    """Paths of everything that the lab built, by name."""

    programs: Mapping[str, Path]  # folders
    node_root: Path
    base_root: Path
    manifest: str  # flannel's, as published

    @property
    def names(self) -> list[str]:
        """Names in the cache, which stand for the contents."""
        return sorted(folder.name for folder in self.programs.values())

    def program(self, name: str, file: str = "") -> Path:
        return self.programs[name] / (file or name)


def archive(steps: Steps, cache: Cache, parts: Parts, kubernetes: str) -> Path:
    """One OCI archive of all images that a node starts with, under the names that upstream's manifests use."""
    key = digest("images", 2, parts.names, parts.base_root.name, parts.manifest, kubernetes)
    if cache.path("images", key).exists():
        return cache.path("images", key)

    def build(target: Path) -> None:
        write_archive(target, _images(target.parent, parts, kubernetes))

    with steps.step("write the images of the nodes", limit=300):
        return cache.get("images", key, build)


def node_image(steps: Steps, cache: Cache, parts: Parts, images: Path, kubernetes: str) -> tuple[str, Path]:
    """Name of the node image, and the archive that holds it together with the base image, for `docker load`."""
    key = digest("node", 2, images.name, parts.node_root.name, parts.names, FILES / "node", kubernetes)
    name = f"docker.io/local/kind-node:{key}"
    if cache.path("node", key).exists():
        return name, cache.path("node", key)

    def build(target: Path) -> None:
        top = target.with_name("top.tar")
        links = {f"{_BIN}/{program}": "kubernetes" for program in ("kubelet", "kubeadm", "kubectl")}
        write_layer(top, _node_files(parts, images, kubernetes), links)
        node = Image(name, (parts.node_root, top), (f"/{_BIN}/entrypoint",), environment=("container=docker",))
        write_archive(target, [node, base_image(parts)])

    with steps.step("put the node image together", limit=300):
        return name, cache.get("node", key, build)


def base_image(parts: Parts) -> Image:
    """The image that the project's own images are built on."""
    return Image(BASE_IMAGE, (parts.base_root,), command=("/bin/sh",))


def _node_files(parts: Parts, images: Path, kubernetes: str) -> dict[str, Path | bytes]:
    files: dict[str, Path | bytes] = {
        f"{_BIN}/kubernetes": parts.program("kubernetes"),
        f"{_BIN}/entrypoint": FILES / "node" / "entrypoint",
        "etc/containerd/config.toml": (FILES / "node" / "containerd.toml")
        .read_bytes()
        .replace(b"@PAUSE@", PAUSE_IMAGE.encode()),
        "kind/manifests/default-storage.yaml": FILES / "node" / "default-storage.yaml",
        "kind/images/all.tar": images,
        "kind/version": kubernetes.encode(),
        "etc/cni/net.d/.keep": b"",
    }
    for name, folder in (("containerd", _BIN), ("cni", "opt/cni/bin")):
        files |= {f"{folder}/{path.name}": path for path in parts.programs[name].iterdir()}
    return files


def _images(work: Path, parts: Parts, kubernetes: str) -> list[Image]:
    def layer(name: str, files: dict[str, Path | bytes], links: dict[str, str] | None = None) -> Path:
        path = work / f"layer-{name}.tar"
        write_layer(path, files, links)
        return path

    base = parts.base_root
    control = layer(
        "kubernetes",
        {f"{_BIN}/kubernetes": parts.program("kubernetes")},
        {f"{_BIN}/{n}": "kubernetes" for n in CONTROL_PLANE},
    )
    flannel, flannel_cni = flannel_images(parts.manifest)
    flanneld: dict[str, Path | bytes] = {
        "opt/bin/flanneld": parts.program("flannel"),
        "opt/bin/install-conf": parts.program("flannel", "install_conf"),
    }
    return [
        *(Image(f"registry.k8s.io/{n}:{kubernetes}", (base, control), (f"/{_BIN}/{n}",)) for n in CONTROL_PLANE),
        Image(ETCD_IMAGE, (layer("etcd", {f"{_BIN}/etcd": parts.program("etcd", "server")}),), (f"/{_BIN}/etcd",)),
        Image(COREDNS_IMAGE, (layer("coredns", {"coredns": parts.program("coredns")}),), ("/coredns",)),
        Image(PAUSE_IMAGE, (layer("pause", {"pause": parts.program("pause")}),), ("/pause",)),
        Image(flannel, (base, layer("flannel", flanneld)), ("/opt/bin/flanneld",)),
        Image(
            flannel_cni,
            (base, layer("flannel-cni", {"flannel": parts.program("flannel-cni", "flannel")})),
            command=("/flannel",),
        ),
        base_image(parts),
    ]


def flannel_images(manifest: str) -> tuple[str, str]:
    """Names of flannel's own image and of its plugin's image in the published manifest."""
    names = sorted(set(re.findall(r"^\s*image:\s*(\S+)", manifest, re.MULTILINE)))
    plugin = [name for name in names if "cni-plugin" in name]
    own = [name for name in names if name not in plugin]
    if len(plugin) != 1 or len(own) != 1:
        raise RuntimeError(f"flannel's manifest names the images {names}; expected its own and its plugin's")
    return own[0], plugin[0]


def build_parts(steps: Steps, cache: Cache, builder: Builder, kubernetes: str) -> Parts:
    """Builds all programs and root file systems, or finds them in the cache."""
    with ThreadPoolExecutor(1) as pool:  # packages come by the network and Go takes the processors: both at once
        roots = pool.submit(lambda: [rootfs.build(steps, cache, wanted) for wanted in (rootfs.NODE, rootfs.BASE)])
        built = {name: builder.build(program) for name, program in programs(kubernetes).items()}
        manifest = flannel_manifest(steps, builder)
        node, base = roots.result()
    return Parts(built, node, base, manifest)
