# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the API tells of flannel, alone or as a half of canal."""

from __future__ import annotations

from typing import Any

from .documents import mapping
from .raw import Item, Raw, containers, dig
from .services import image_version

_BACKENDS = ("vxlan", "host-gw", "ipip", "wireguard")
OVERHEAD = {"vxlan": 50, "wireguard": 80}  # bytes that flannel takes off the MTU it is given


def config_reference(item: Item) -> tuple[str, str]:
    """Namespace and name of the ConfigMap that a DaemonSet mounts and that may hold net-conf.json; ("", "") if none."""
    volumes = dig(item, "spec", "template", "spec", "volumes") or []
    names = [str(dig(volume, "configMap", "name") or "") for volume in volumes]
    found = [name for name in names if "flannel" in name or "canal" in name]
    return (str(dig(item, "metadata", "namespace")), found[0]) if found else ("", "")


def details(raw: Raw, item: Item) -> dict[str, Any]:
    """Version, data plane, backend and the pods' MTU, which is 0 where flannel takes it from the node's interface."""
    conf = mapping((raw.plugin_config.get("data") or {}).get("net-conf.json", ""))
    images = [str(each.get("image", "")) for each in containers(item) if "flannel" in str(each.get("image", ""))]
    backend = str(dig(conf, "Backend", "Type") or "")
    return {
        "version": next(filter(None, map(image_version, images)), ""),
        "data_plane": ("nftables" if conf.get("EnableNFTables") else "iptables") if conf else "",
        "backend": backend if backend in _BACKENDS else "",
        "mtu": max(0, int(dig(conf, "Backend", "MTU") or 0) - OVERHEAD.get(backend, 0)),
    }


def annotated_backend(raw: Raw) -> str:
    """Backend that a flannel inside the kubelet's own program (k3s) writes on each node, "" for none."""
    notes = [(dig(item, "metadata", "annotations") or {}) for item in raw.nodes]
    backends = {str(note.get("flannel.alpha.coreos.com/backend-type", "")) for note in notes}
    return next((backend for backend in sorted(backends) if backend in _BACKENDS), "")
