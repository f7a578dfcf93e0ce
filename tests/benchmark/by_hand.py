"""The same clusters and ways as ours, set up by hand: one gateway each, the same driver, no agents."""

from __future__ import annotations

from tests.integration.netns.netlab import Net, Node
from tests.integration.netns.spaces import wait
from tests.integration.netns.topology import ranges

PLUGIN = """
table ip plugin {{
  chain post {{
    type nat hook postrouting priority srcnat
    ip saddr {pods} ip daddr != 10.0.0.0/8 masquerade
    ip saddr != 10.0.0.0/8 ip daddr {pods} masquerade
  }}
  chain forward {{
    type filter hook forward priority filter
    ct state invalid drop
  }}
  chain clamp {{
    type filter hook forward priority mangle
    tcp flags & (syn | rst) == syn tcp option maxseg size set rt mtu
  }}
}}
"""
LINK = "hand0"
OVERLAY_MTU = 1450


class ByHand(Net):
    """What somebody would do who knows the way: devices, routes, and a plugin that leaves the other cluster alone."""

    def plugin(self, node: Node) -> str:
        return PLUGIN.format(pods=ranges(node.cluster)[0])

    def join(self) -> None:
        east, west = (self.topology.gateways(cluster)[0] for cluster in ("east", "west"))
        for node in self.nodes:
            self.inside(node.name, "sysctl", "-qw", "net.ipv4.conf.all.rp_filter=2")
        getattr(self, "_" + self.topology.links[0]["driver"])(east, west)
        for gateway, far in ((east, west), (west, east)):
            for worker in self.nodes:
                if worker.cluster == gateway.cluster and worker != gateway:
                    self._overlay(worker, gateway, ranges(far.cluster)[0])

    def _ip(self, node: Node, words: str) -> None:
        self.inside(node.name, "ip", *words.split())

    def _vxlan_device(self, node: Node, other: Node, name: str, number: int, port: int, mtu: int) -> None:
        ends = f"local {node.underlay} remote {other.underlay} dev eth0 dstport {port} nolearning"
        self._ip(node, f"link add {name} type vxlan id {number} {ends}")
        self._ip(node, f"addr add {node.tunnel}/32 dev {name}")
        self._ip(node, f"link set {name} mtu {mtu} up")
        self._ip(node, f"route add {other.tunnel} dev {name}")

    def _overlay(self, worker: Node, gateway: Node, pods: str) -> None:
        """The other cluster's pods through the gateway, over a VXLAN device of the two."""
        name = f"hand{worker.number}"
        for node, other in ((worker, gateway), (gateway, worker)):
            self._vxlan_device(node, other, name, 9 + worker.number, 14789, OVERLAY_MTU)
        self._ip(worker, f"route add {pods} via {gateway.tunnel} dev {name} onlink")

    def _direct(self, east: Node, west: Node) -> None:
        for node, far in ((east, west), (west, east)):
            self._ip(node, f"route add {ranges(far.cluster)[0]} via {far.underlay}")

    def _vxlan(self, east: Node, west: Node) -> None:
        for node, far in ((east, west), (west, east)):
            self._vxlan_device(node, far, LINK, 7, 14788, self.topology.links[0]["mtu"])
            self._ip(node, f"route add {ranges(far.cluster)[0]} via {far.tunnel} dev {LINK} onlink")

    def _wireguard(self, east: Node, west: Node) -> None:
        keys = {node.name: self.public_keys(node)[0]["publicKey"] for node in (east, west)}
        for node, far in ((east, west), (west, east)):
            orders = self.folder / node.name / "run/tunnels"
            orders.mkdir()
            (orders / LINK).touch()
            self.program(node, "tunnels")  # which only keeps wireguard-go running
            wait(lambda node=node: LINK in self.inside(node.name, "ip", "-o", "link"))  # type: ignore[misc]
            key = self.folder / node.name / "state/private-0.key"
            allowed = f"{ranges(far.cluster)[0]},{far.tunnel}/32"
            peer = f"peer {keys[far.name]} endpoint {far.underlay}:51820 allowed-ips {allowed}"
            self.wg(node, f"set {LINK} private-key {key} listen-port 51820 {peer}")
            self._ip(node, f"addr add {node.tunnel}/32 dev {LINK}")
            self._ip(node, f"link set {LINK} mtu {self.topology.links[0]['mtu']} up")
            self._ip(node, f"route add {ranges(far.cluster)[0]} dev {LINK}")
