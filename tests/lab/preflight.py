"""What the machine must have before the lab can be built; on Debian, root may have it installed."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from .steps import Steps

_SEARCH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# program -> Debian package
_NEEDED = {
    "dockerd": "docker.io",
    "docker": "docker.io",
    "runc": "runc",
    "mmdebstrap": "mmdebstrap",
    "ip": "iproute2",
    "nsenter": "util-linux",
    "iptables": "iptables",
    "tar": "tar",
    "gcc": "gcc",
    "git": "git",
}
_HEADERS = {Path("/usr/include/stdlib.h"): "libc6-dev"}


def missing() -> dict[str, str]:
    """Programs that are not there, with the Debian package that has each."""
    search = os.environ.get("PATH", "") + ":" + _SEARCH
    absent = {program: package for program, package in _NEEDED.items() if not shutil.which(program, path=search)}
    return absent | {str(path): package for path, package in _HEADERS.items() if not path.exists()}


def require(steps: Steps) -> None:
    """Checks what a lab of our own building needs; as root on Debian, installs what is missing."""
    if os.geteuid() != 0:
        raise RuntimeError(
            "to build a lab needs root (namespaces, mounts); use sudo, or a Docker that reaches a registry"
        )
    absent = missing()
    if not absent:
        return
    packages = sorted(set(absent.values()))
    if not shutil.which("apt-get"):
        raise RuntimeError(f"missing: {', '.join(absent)}; install the equivalents of Debian's {', '.join(packages)}")
    steps.say(f"missing {', '.join(absent)}: installing {', '.join(packages)}")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    with steps.step("install missing packages", limit=600) as step:
        step.run(["apt-get", "update", "-q"], env=environment, check=False)
        step.run(["apt-get", "install", "-q", "-y", "--no-install-recommends", *packages], env=environment)
