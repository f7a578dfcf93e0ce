# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which network plugin runs: a DaemonSet with ready pods decides, not a namespace or CRD that outlived it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import calico, flannel
from .nodes import condition
from .raw import Item, Raw, containers, dig, environment, labels_of, name_of
from .services import image_version
from .types import Plugin

_OTHERS = ("antrea-agent", "kube-router", "aws-node", "kube-ovn-cni", "ovnkube-node")

# In this order: canal holds parts of both calico and flannel.
_SIGNS: tuple[tuple[str, Callable[[Item], bool]], ...] = (
    ("canal", lambda item: labels_of(item).get("k8s-app") == "canal" or name_of(item) in ("canal", "rke2-canal")),
    ("calico", lambda item: name_of(item) == "calico-node"),
    ("weave", lambda item: name_of(item) == "weave-net"),
    ("cilium", lambda item: name_of(item) == "cilium" or labels_of(item).get("k8s-app") == "cilium"),
    ("flannel", lambda item: "flannel" in name_of(item)),
    ("kindnet", lambda item: name_of(item) == "kindnet"),
    ("other", lambda item: name_of(item) in _OTHERS),
)


def daemon_sets(sets: list[Item]) -> dict[str, Item]:
    """Plugin -> its DaemonSet, those with ready pods first; one that wants no pod at all is a leftover."""
    found: dict[str, Item] = {}
    for name, sign in _SIGNS:
        matches = [item for item in sets if sign(item) and _count(item, "desiredNumberScheduled")]
        if matches:
            found[name] = max(matches, key=lambda item: _count(item, "numberReady"))
    return dict(sorted(found.items(), key=lambda pair: _count(pair[1], "numberReady") == 0))


def _count(item: Item, key: str) -> int:
    return int(dig(item, "status", key) or 0)


def _ready(item: Item) -> bool:
    """Whether every node that should run the plugin runs the newest version of it."""
    wanted = _count(item, "desiredNumberScheduled")
    current = _count(item, "observedGeneration") >= int(dig(item, "metadata", "generation") or 0)
    return current and min(_count(item, "numberReady"), _count(item, "updatedNumberScheduled")) >= wanted


def detect(raw: Raw, kube_proxy: str) -> Plugin:
    """The network plugin in charge, and the names of all others that have pods."""
    found = daemon_sets(raw.daemon_sets)
    if not found:
        return _without_daemon_set(raw)
    names = list(found)
    name, item = names[0], found[names[0]]
    # Calico for policy only, beside a flannel that moves the packets: that pair is what canal is.
    if name == "calico" and "flannel" in found and calico.backend(raw, item) == "":
        name = "canal"
        names.remove("flannel")
    return Plugin(
        name=name,
        namespace=str(dig(item, "metadata", "namespace") or ""),
        ready=_ready(item),
        also=tuple(names[1:]),
        **_details(raw, name, item, kube_proxy),
    )


def _details(raw: Raw, name: str, item: Item, kube_proxy: str) -> dict[str, Any]:
    """Version, data plane, backend, MTU and API of one plugin."""
    if name == "calico":
        return calico.details(raw, item, kube_proxy)
    if name == "canal":
        return {**flannel.details(raw, item), "version": calico.version(raw, item), "api": calico.api(raw)}
    if name == "flannel":
        return flannel.details(raw, item)
    return _plain(raw, name, item)


def _plain(raw: Raw, name: str, item: Item) -> dict[str, Any]:
    """Version, data plane, backend and MTU of a plugin that is only ever adopted."""
    images = [str(each.get("image", "")) for each in containers(item)]
    details: dict[str, Any] = {"version": next(filter(None, map(image_version, images)), "")}
    if name == "cilium":
        config = raw.config("cilium-config")
        tunnel = config.get("tunnel-protocol", "") if config.get("routing-mode") == "tunnel" else ""
        details |= {"data_plane": "ebpf", "backend": tunnel, "mtu": _number(config.get("mtu"))}
    if name == "weave":
        # Its documented default; the fast datapath adds 84 to 87 bytes.
        details |= {"data_plane": "iptables", "mtu": _number(environment(item).get("WEAVE_MTU")) or 1376}
    return details


def _number(text: str | None) -> int:
    return int(text) if text and text.isdigit() else 0


def _without_daemon_set(raw: Raw) -> Plugin:
    """A kubelet says Ready only with a working plugin, so a Ready node has one that no DaemonSet shows."""
    ready = [condition(item, "Ready") for item in raw.nodes]
    if not any(ready):
        return Plugin()
    backend = flannel.annotated_backend(raw)
    if backend:
        return Plugin(name="flannel", data_plane="iptables", backend=backend, ready=all(ready))
    return Plugin(name="other", ready=all(ready))
