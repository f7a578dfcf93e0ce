"""Debian root file systems by mmdebstrap: one for nodes, one as base of the container images."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from .cache import Cache, digest
from .steps import Steps

SUITE = "bookworm"
_RECIPE = 2  # raised by whoever changes how a file system is made
_SWEPT = ("var/cache/apt/*", "var/lib/apt/lists/*", "var/cache/debconf/*", "var/log/*")
_LEFT_OUT = (
    "man",
    "doc",
    "locale",
    "zoneinfo",
    "info",
    "lintian",
    "bug",
)
# usr-is-merged (with the hook below) in place of usrmerge, which would bring all of Perl.
_NETWORK = ("usr-is-merged", "iproute2", "iptables", "nftables", "conntrack", "procps")


@dataclass(frozen=True)
class RootFs:
    """A root file system: a name and the packages on top of Debian's essential ones."""

    name: str
    packages: tuple[str, ...]


NODE = RootFs("node", (*_NETWORK, "mount", "util-linux", "runc", "libseccomp2", "kmod"))
BASE = RootFs("base", (*_NETWORK, "python3", "wireguard-tools", "iputils-ping", "ca-certificates"))


def host_mirror(apt: Path = Path("/etc/apt")) -> str:
    """The Debian mirror that this machine's apt uses; empty (mmdebstrap's default) if there is none."""
    for path in sorted([*apt.glob("sources.list"), *apt.glob("sources.list.d/*")]):
        for uri in re.findall(r"^(?:URIs:|deb(?:\s+\[[^]]*\])?)\s+(\S+)", path.read_text(), re.MULTILINE):
            if re.search(r"/debian/?$", uri):
                return str(uri)
    return ""


def build(steps: Steps, cache: Cache, wanted: RootFs) -> Path:
    """Path of the tar file of a root file system (uncompressed, no device nodes)."""
    excludes = [f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in _LEFT_OUT]
    key = digest(wanted, SUITE, excludes, _RECIPE)
    name = f"rootfs-{wanted.name}"
    if cache.path(name, key).exists():
        return cache.path(name, key)

    def make(target: Path) -> None:
        archive = target.with_name("root.tar")
        step.run(
            [
                "mmdebstrap",
                "--variant=essential",
                "--format=tar",
                f"--include={','.join(wanted.packages)}",
                "--hook-dir=/usr/share/mmdebstrap/hooks/merged-usr",
                *excludes,
                '--aptopt=APT::Install-Recommends "false"',
                # Nothing is ever installed on top: lists, caches and logs are dead weight in every image.
                f'--customize-hook=cd "$1" && rm -rf {" ".join(_SWEPT)}',
                SUITE,
                str(archive),
                *filter(None, [host_mirror()]),
            ]
        )
        # Device nodes are each container's own.
        step.run(["tar", "--delete", "--file", str(archive), "--wildcards", "./dev/*"])
        archive.rename(target)

    with steps.step(f"Debian root file system {wanted.name}", limit=900) as step:
        return cache.get(name, key, make)
