"""Agents of some clusters on the stub: they do to objects what real ones do, at once or not at all."""

from __future__ import annotations

import asyncio
from typing import Any

from ansible_collections.clusterset.fabric.plugins.module_utils.objects.crds import crds
from tests.benchmark.stub.server import Cluster, Stub

Object = dict[str, Any]
API = "fabric.clusterset.io/v1alpha1"
NAMESPACE = "clusterset-fabric"
OURS = f"/apis/{API}/namespaces/{NAMESPACE}"
Ends = tuple[str, str, str, int, int]
"""Node, peer, remote gateway, number and generation of a link."""


def define_kinds(cluster: Cluster) -> None:
    """Let the cluster serve our kinds."""
    for definition in crds():
        name = definition["metadata"]["name"]
        cluster.store.put(f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{name}", definition)


def put(cluster: Cluster, kind: str, plural: str, name: str, spec: Object, status: Object | None = None) -> None:
    """Store one object of ours, unless it is so already."""
    path = f"{OURS}/{plural}/{name}"
    live = cluster.store.objects.get(path, {})
    if (live.get("spec"), live.get("status")) != (spec, status):
        metadata = {"name": name, "namespace": NAMESPACE}
        made = {"apiVersion": API, "kind": kind, "metadata": metadata, "spec": spec}
        cluster.store.put(path, made if status is None else {**made, "status": status})


class Agents:
    """Publishes gateways, makes and reports links, drains: in every cluster whose name is not in ``dead``."""

    def __init__(self, stub: Stub) -> None:
        self.clusters = stub.clusters
        self.dead: set[str] = set()
        self.deaf: set[str] = set()  # clusters to which no link comes up
        self.keeping = False  # keys once published stay published
        self.blocked = False  # no link of a second generation comes up
        self.gaps: list[str] = []  # pairs that were up and then had no link, in order
        self._up: set[str] = set()
        self._due = False
        for cluster in self.clusters.values():
            cluster.store.listeners.append(self._heard)

    def _heard(self, _event: str, _path: str, _obj: Object) -> None:
        if not self._due:
            self._due = True
            asyncio.get_running_loop().call_soon(self.work)

    def work(self) -> None:
        """One pass over all clusters."""
        self._due = False
        alive = [name for name in self.clusters if name not in self.dead and self.spec(name, "fabrics", "local")]
        for name in alive:
            self._gateways(name)
            self._workloads(self.clusters[name])
        for name in alive:
            self._links(name)
        self._look_for_gaps()

    def spec(self, name: str, plural: str, which: str) -> Object:
        """Spec of one object of ours, {} where there is none."""
        found: Object = self.clusters[name].store.objects.get(f"{OURS}/{plural}/{which}", {}).get("spec", {})
        return found

    def links(self, name: str) -> dict[str, Object]:
        """A cluster's Link objects by name."""
        found = self.clusters[name].store.objects
        return {path.rsplit("/", 1)[1]: obj for path, obj in found.items() if path.startswith(f"{OURS}/links/")}

    def _gateways(self, name: str) -> None:
        cluster, fabric = self.clusters[name], self.spec(name, "fabrics", "local")
        for row in fabric["gateways"]:
            node = cluster.store.objects.get(f"/api/v1/nodes/{row['node']}", {"metadata": {}})
            drained = (node["metadata"].get("annotations") or {}).get("fabric.clusterset.io/drain") == "true"
            keys = [{"generation": n, "publicKey": f"{name}-{row['node']}-{n}"} for n in fabric["keyGenerations"]]
            if self.keeping:
                before = self.spec(name, "gateways", row["node"]).get("keys", [])
                keys = [*[key for key in before if key not in keys], *keys]
            spec = {**row, "keys": keys, "tunnelAddress": "10.248.0.1", "implementation": "kernel"}
            put(cluster, "Gateway", "gateways", row["node"], spec, {"state": "Drained" if drained else "Active"})

    def _workloads(self, cluster: Cluster) -> None:
        for path, obj in list(cluster.store.objects.items()):
            if obj["kind"] == "DaemonSet":
                counts = dict.fromkeys(("desiredNumberScheduled", "numberReady", "updatedNumberScheduled"), 1)
                status = {**counts, "numberAvailable": 1, "observedGeneration": obj["metadata"]["generation"]}
                cluster.store.put(path, {**obj, "status": status})

    def _links(self, name: str) -> None:
        cluster, wanted = self.clusters[name], self._wanted(name)
        newest: dict[tuple[Any, ...], int] = {}
        for ends, up in wanted.items():
            if up:
                newest[ends[:4]] = max(newest.get(ends[:4], -1), ends[4])
        for gone in set(self.links(name)) - set(map(_name, wanted)):
            cluster.store.delete(f"{OURS}/links/{gone}", "")
        for ends, up in wanted.items():
            spec = dict(zip(("node", "peer", "remoteGateway", "number", "generation"), ends, strict=True))
            spec |= {"driver": "wireguard", "cost": 100, "interface": "fab-00000000"}
            status = {"state": "Up" if up else "Connecting", "carrying": newest.get(ends[:4]) == ends[4]}
            put(cluster, "Link", "links", _name(ends), spec, status)

    def _wanted(self, name: str) -> dict[Ends, bool]:
        """Each link that the cluster's objects ask for, and whether the other end has it too."""
        found = {}
        for peer in self.clusters:
            spec = self.spec(name, "peers", peer)
            for row in self.spec(name, "fabrics", "local").get("gateways", ()) if spec else ():
                mine = self._keys(name, row["node"])
                for remote in spec["gateways"]:
                    for number in mine & {key["generation"] for key in remote["keys"]}:
                        ends = (row["node"], peer, remote["node"], 0, number)
                        found[ends] = self._answers(name, ends)
        return found

    def _answers(self, name: str, ends: Ends) -> bool:
        node, peer, remote, _number, generation = ends
        held = self._keys(peer, remote)
        rows = [row for row in self.spec(peer, "peers", name).get("gateways", ()) if row["node"] == node]
        known = {key["generation"] for row in rows for key in row["keys"]}
        return peer not in self.deaf and generation in held & known and not (self.blocked and generation != min(held))

    def _keys(self, name: str, node: str) -> set[int]:
        return {key["generation"] for key in self.spec(name, "gateways", node).get("keys", ())}

    def _look_for_gaps(self) -> None:
        up: dict[str, bool] = {}
        for name in self.clusters:
            for ends, alive in self._wanted(name).items():
                pair = " ".join(sorted((name, ends[1])))
                up[pair] = up.get(pair, False) or alive
        now = {pair for pair, alive in up.items() if alive}
        self.gaps += sorted(self._up - now)
        self._up = now


def _name(ends: Ends) -> str:
    node, peer, remote, number, generation = ends
    return f"{node}.{peer}.{remote}.{2 * number + generation % 2}"
