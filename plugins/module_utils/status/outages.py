# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Outages: which packets a scenario drops on which node, and the pod that drops them for a while."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any

from .manifests import ACCOUNT, LABELS
from .wiring import DIRECT, VXLAN, Wire, Wiring

Object = dict[str, Any]
TABLE = "fabric_rehearsal"  # the nftables table that the program makes
SPARE_SECONDS = 30.0  # for the image and the start of the pod


@dataclass(frozen=True)
class Outage:
    """What `clusterset_agent.outage` is told to drop on `node`; its own documentation says what the words mean."""

    node: str
    seconds: int
    forwarded: tuple[str, ...] = ()
    cut: tuple[str, ...] = ()
    ports: tuple[int, ...] = ()
    remotes: tuple[str, ...] = ()

    @property
    def arguments(self) -> list[str]:
        """The program's command line."""
        words = ["--seconds", str(self.seconds)]
        for name in ("forwarded", "cut", "ports", "remotes"):
            if getattr(self, name):
                words += [f"--{name}", *map(str, getattr(self, name))]
        return words


def black_hole(wiring: Wiring, node: str, seconds: int) -> Outage:
    """The node forwards nothing for other clusters, probes included; it stays Ready, and its cluster's own traffic."""
    return Outage(node, seconds, forwarded=wiring.own + wiring.foreign)


def cut_off(wiring: Wiring, node: str, seconds: int) -> Outage:
    """The node's overlay and links are dead, as if it had been switched off."""
    wires = wiring.of(node)
    ports = {wiring.overlay_port, wiring.vxlan_port, *(wire.port for wire in wires if wire.port)}
    # a dedicated line has no packets of its own: what it carries is dropped instead
    cut = wiring.foreign if any(wire.driver == DIRECT for wire in wires) else ()
    return Outage(node, seconds, cut=cut, ports=tuple(sorted(ports)))


def cut_link(wiring: Wiring, wire: Wire, seconds: int) -> Outage:
    """One link of the node is dead, with all its generations; the others are not."""
    same = [
        other
        for other in wiring.of(wire.node)
        if (other.peer, other.remote, other.number) == (wire.peer, wire.remote, wire.number)
    ]
    # all vxlan links share a port, so the other end tells them apart; elsewhere the own port does
    remotes = (wiring.endpoints[wire.peer, wire.remote],) if wire.driver == VXLAN else ()
    return Outage(wire.node, seconds, ports=tuple(sorted({other.port for other in same})), remotes=remotes)


def cuttable(wiring: Wiring, node: str) -> list[Wire]:
    """Links of the node that can be cut alone: up, in use, with packets of their own."""
    return [
        wire
        for wire in wiring.of(node)
        if wire.up
        and wire.carrying
        and wire.port
        and wire.driver != DIRECT
        and (wire.driver != VXLAN or wiring.endpoints.get((wire.peer, wire.remote)))
    ]


def pod(outage: Outage, namespace: str, *, image: str) -> Object:
    """The pod that holds the outage: the node's network, NET_ADMIN and nothing else. It is ready while rules stand."""
    container = {
        "name": "outage",
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "command": ["python3", "-m", "clusterset_agent.outage", *outage.arguments],
        "readinessProbe": {
            "exec": {"command": ["nft", "list", "table", "ip", TABLE]},
            "periodSeconds": 1,
            "timeoutSeconds": 5,
        },
        "resources": {"requests": {"cpu": "10m", "memory": "24Mi"}, "limits": {"memory": "64Mi"}},
        "securityContext": {
            "runAsUser": 0,
            "privileged": False,
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"], "add": ["NET_ADMIN"]},
            "seccompProfile": {"type": "RuntimeDefault"},
        },
    }
    spec = {
        "nodeName": outage.node,
        "hostNetwork": True,
        "dnsPolicy": "Default",
        "tolerations": [{"operator": "Exists"}],
        "restartPolicy": "Never",
        "activeDeadlineSeconds": int(outage.seconds + SPARE_SECONDS),
        "terminationGracePeriodSeconds": 5,
        "serviceAccountName": ACCOUNT,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "containers": [container],
    }
    metadata = {"name": f"outage-{secrets.token_hex(4)}", "namespace": namespace, "labels": dict(LABELS)}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}
