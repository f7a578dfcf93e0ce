"""The Go programs that the lab builds when no registry is in reach: which module, which packages, which version."""

from __future__ import annotations

from dataclasses import dataclass, field

KUBERNETES = "v1.36.3"
ETCD = "v3.6.8"
COREDNS = "v1.14.2"
CONTAINERD = "v2.3.7"
CNI_PLUGINS = "v1.9.1"
KIND = "v0.33.0"
FLANNEL = "v0.28.9"
WIREGUARD_GO = "v0.0.0-20260522210424-ecfc5a8d5446"

_PLUGINS = "github.com/containernetworking/plugins"
_CONTAINERD = "github.com/containerd/containerd/v2"


@dataclass(frozen=True)
class Program:
    """One Go build. Without `packages` it is the main package of files/go/<source or name>."""

    name: str
    requires: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    source: str = ""
    replaces: tuple[tuple[str, str], ...] = ()  # (module, folder of files/go)
    staging_of: str = ""  # module whose "./staging" replacements are replaced by published versions
    variables: tuple[tuple[str, str], ...] = field(default=())  # link-time string variables
    tags: tuple[str, ...] = ()
    cgo: bool = False
    limit: int = 900  # seconds


def _kubernetes_version(version: str) -> tuple[tuple[str, str], ...]:
    major, minor, _patch = version.removeprefix("v").split(".")
    values = {"gitVersion": version, "gitMajor": major, "gitMinor": minor, "gitTreeState": "clean"}
    packages = ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")
    return tuple((f"{package}.{name}", value) for package in packages for name, value in values.items())


def programs(kubernetes: str = KUBERNETES) -> dict[str, Program]:
    """Every program by name, for one version of Kubernetes."""
    wanted = [
        Program(
            "kubernetes",
            requires=(f"k8s.io/kubernetes@{kubernetes}", "k8s.io/kubectl@v0.0.0", "k8s.io/component-base@v0.0.0"),
            source="kubernetes",
            staging_of=f"k8s.io/kubernetes@{kubernetes}",
            variables=_kubernetes_version(kubernetes),
            limit=1500,
        ),
        Program(
            "containerd",
            requires=(f"{_CONTAINERD}@{CONTAINERD}",),
            packages=tuple(f"{_CONTAINERD}/cmd/{name}" for name in ("containerd", "ctr", "containerd-shim-runc-v2")),
            tags=("no_btrfs", "no_devmapper", "no_zfs", "no_aufs"),
            variables=((f"{_CONTAINERD}/version.Version", CONTAINERD),),
        ),
        Program("etcd", requires=(f"go.etcd.io/etcd/server/v3@{ETCD}",), packages=("go.etcd.io/etcd/server/v3",)),
        Program("coredns", requires=(f"github.com/coredns/coredns@{COREDNS}",), source="coredns"),
        Program(
            "cni",
            requires=(f"{_PLUGINS}@{CNI_PLUGINS}",),
            packages=tuple(
                f"{_PLUGINS}/plugins/{path}"
                for path in ("main/ptp", "main/bridge", "main/loopback", "ipam/host-local", "meta/portmap")
            ),
        ),
        # The flannel plugin left this repository after v0.9.1; its successor's module is not served everywhere.
        Program("flannel-cni", requires=(f"{_PLUGINS}@v0.9.1",), packages=(f"{_PLUGINS}/plugins/meta/flannel",)),
        Program(
            "flannel",
            requires=(
                f"github.com/flannel-io/flannel@{FLANNEL}",
                "github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common@v1.3.210",
            ),
            packages=("github.com/flannel-io/flannel", "github.com/flannel-io/flannel/cmd/install_conf"),
            replaces=(("github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/vpc", "tencentvpc"),),
            variables=(("github.com/flannel-io/flannel/pkg/version.Version", FLANNEL),),
            tags=("netgo", "osusergo"),
            cgo=True,
        ),
        Program(
            "wireguard-go",
            requires=(f"golang.zx2c4.com/wireguard@{WIREGUARD_GO}",),
            packages=("golang.zx2c4.com/wireguard",),
        ),
        Program("kind", requires=(f"sigs.k8s.io/kind@{KIND}",), packages=("sigs.k8s.io/kind",)),
        Program("pause", source="pause"),
    ]
    return {program.name: program for program in wanted}
