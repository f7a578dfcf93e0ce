# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From API objects to facts: a pure function."""

from __future__ import annotations

from . import ranges, services
from .nodes import flavour, nodes
from .owned import owned, property_id
from .plugin import detect
from .raw import Raw, dig
from .types import ClusterFacts


def conclude(cluster: str, raw: Raw) -> ClusterFacts:
    """Facts of one cluster; the same objects always give the same facts."""
    proxy = services.kube_proxy(raw)
    plugin = detect(raw, proxy)
    found = nodes(raw)
    pods, pod_disputes = ranges.settle("pod ranges", ranges.pod_sources(raw, plugin))
    service, service_disputes = ranges.settle("service ranges", ranges.service_sources(raw))
    dns, dns_version = services.dns(raw)
    return ClusterFacts(
        cluster=cluster,
        uid=str(dig(raw.kube_system, "metadata", "uid") or ""),
        version=str(raw.version.get("gitVersion", "")),
        flavour=flavour(raw),
        nodes=found,
        pod_cidrs=pods,
        service_cidrs=service,
        plugin=plugin,
        kube_proxy=proxy,
        dns=dns,
        dns_version=dns_version,
        crds=raw.crds,
        property_id=property_id(raw),
        owned=owned(raw),
        disagreements=pod_disputes + service_disputes + ranges.slices_outside(found, plugin, pods),
    )
