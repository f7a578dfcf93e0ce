"""Which network plugin the collection installs in `east`: Calico where its images can be had, else flannel."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from . import images

if TYPE_CHECKING:
    from .lab import Lab

CALICO_IMAGES = ("calico/node", "calico/cni", "calico/kube-controllers")


def east_plugin(lab: Lab) -> str:
    """`calico` or `flannel`; nodes of a published lab pull what they need, the others have what was loaded."""
    if lab.published:
        return "calico"
    names = [names for node, names in images.listing(lab).items() if node.startswith("east-")]
    return "calico" if names and all(map(has_calico, names)) else "flannel"


def has_calico(names: Iterable[str]) -> bool:
    """Whether a node with these images can run Calico."""
    repositories = [name.rpartition(":")[0] for name in names]
    return all(any(found.endswith(wanted) for found in repositories) for wanted in CALICO_IMAGES)
