# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An API server for the agent of one node: ``python -m tests.integration.netns.api FOLDER``, in the node's namespace.

It holds what the node's memory in FOLDER says, and puts the files of a service account where the agent looks.
FOLDER/policies.json is followed as it changes: the spec of FabricPolicy under "policy", those of Selections under
"selections" by name.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

from ansible_collections.clusterset.fabric.plugins.module_utils.objects.crds import crds
from ansible_collections.clusterset.fabric.plugins.module_utils.objects.policy_crds import policy_crds
from tests.benchmark.stub.server import Cluster, Stub

API = "fabric.clusterset.io/v1alpha1"
NAMESPACE = "clusterset-fabric"
ACCOUNT = "host-run/secrets/kubernetes.io/serviceaccount"


def fill(cluster: Cluster, memory: dict[str, Any], node: str) -> None:
    """Have the objects that the playbook, the kubelet and the other nodes' agents would have made."""
    store = cluster.store
    for definition in (*crds(), *policy_crds()):
        name = definition["metadata"]["name"]
        store.put(f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{name}", definition)
    for plural, kind, name in (("namespaces", "Namespace", NAMESPACE), ("nodes", "Node", node)):
        store.put(f"/api/v1/{plural}/{name}", {"apiVersion": "v1", "kind": kind, "metadata": {"name": name}})
    put(cluster, "Fabric", "fabrics", {"local": memory["fabric"]})
    put(cluster, "Peer", "peers", {peer["clusterID"]: peer for peer in memory["peers"]})
    put(cluster, "TunnelAddress", "tunneladdresses", memory["addresses"])


def put(cluster: Cluster, kind: str, plural: str, specs: dict[str, Any]) -> None:
    for name, spec in specs.items():
        body = {"apiVersion": API, "kind": kind, "metadata": {"name": name, "namespace": NAMESPACE}, "spec": spec}
        cluster.store.put(f"/apis/{API}/namespaces/{NAMESPACE}/{plural}/{name}", body)


async def follow(cluster: Cluster, path: Path) -> None:
    """Hold what the file says, as it changes."""
    seen, selections = "", set()
    while True:
        text = path.read_text() if path.exists() else ""
        if text != seen:
            told = json.loads(text)
            put(cluster, "Selection", "selections", told["selections"])
            for name in selections - told["selections"].keys():
                cluster.store.delete(f"/apis/{API}/namespaces/{NAMESPACE}/selections/{name}", "")
            put(cluster, "FabricPolicy", "fabricpolicies", {"local": told["policy"]})
            policy = cluster.store.objects[f"/apis/{API}/namespaces/{NAMESPACE}/fabricpolicies/local"]
            known = {"observedGeneration": policy["metadata"]["generation"]}  # as the sync part says it
            cluster.store.put(f"/apis/{API}/namespaces/{NAMESPACE}/fabricpolicies/local", {**policy, "status": known})
            seen, selections = text, set(told["selections"])
        await asyncio.sleep(0.02)


async def main(folder: Path) -> None:
    memory = json.loads((folder / "run/state.json").read_text())
    stub = Stub(folder, [memory["fabric"]["clusterID"]])
    (cluster,) = stub.clusters.values()
    cluster.port = int(os.environ["KUBERNETES_SERVICE_PORT"])
    fill(cluster, memory, os.environ["NODE_NAME"])
    async with stub:
        (folder / ACCOUNT).mkdir(parents=True, exist_ok=True)
        (folder / ACCOUNT / "ca.crt").write_bytes(stub.authority.pem)
        (folder / ACCOUNT / "token").write_text("token")
        await follow(cluster, folder / "policies.json")


asyncio.run(main(Path(sys.argv[1])))
