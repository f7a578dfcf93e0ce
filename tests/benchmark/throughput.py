"""What links carry: ``python -m tests.benchmark.throughput``, as root, in network namespaces.

Our agents' full set-up against the same ways set up by hand with the same driver, by turns in the same run; then two
gateways against one. All of it shares this machine's cores, so only the ratios say something.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from tests.integration.netns.netlab import Net, Node, Topology
from tests.integration.netns.spaces import missing
from tests.integration.netns.topology import Spec

from .by_hand import ByHand
from .table import Gate

BULK = str(Path(__file__).with_name("bulk.py"))
LINKS: tuple[Spec, ...] = (
    {"driver": "wireguard", "cost": 100, "mtu": 1420},
    {"driver": "vxlan", "cost": 100, "mtu": 1450},
    {"driver": "direct", "cost": 100, "mtu": 1500},
)
WAYS = {"gateway to gateway": (1, 1), "worker to worker": (3, 1)}
"""Number of the pods' nodes, and how many flows at once."""
FLOWS = 16
"""So many that each of two gateways gets its share of them."""
LIMIT = 50
"""Mbit/s of each gateway's own uplink, so low that the cores do not matter."""


@dataclass
class Duel:
    """Mbit/s of two contenders, round by round."""

    title: str
    one: str
    other: str
    target: float
    figures: list[tuple[float, float]]

    @property
    def ratio(self) -> float:
        """The median over the rounds: within one round both met the same other work on the machine."""
        return median(one / other for one, other in self.figures)

    def line(self) -> str:
        one, other = (median(column) for column in zip(*self.figures, strict=True))
        ratios = [one / other for one, other in self.figures]
        spread = f"{min(ratios):.2f}..{max(ratios):.2f}"
        return f"{self.title:34}{self.one:>14}{one:>8.0f}{self.other:>14}{other:>8.0f}{self.ratio:>8.2f} ({spread})"


def nodes(gateways: int) -> tuple[Node, ...]:
    """Two clusters of three nodes with a pod each, of which one or two are gateways."""
    return tuple(
        Node(f"{cluster[0]}{number}", cluster, number, gateway=number - 1 if number <= gateways else None, pod=True)
        for cluster in ("east", "west")
        for number in (1, 2, 3)
    )


@contextmanager
def running(kind: type[Net], link: Spec, gateways: int = 1) -> Iterator[Net]:
    """Two joined clusters whose pods take in whatever comes."""
    with tempfile.TemporaryDirectory() as folder:
        net = kind(Path(folder), Topology(nodes(gateways), links=(link,)))
        try:
            net.build()
            net.join()
            for node in net.nodes:
                net.spawn(f"{node.name}p", sys.executable, BULK, "serve")
            time.sleep(1.0)
            yield net
        finally:
            net.close()


def carried(net: Net, number: int, flows: int, seconds: float) -> float:
    """Mbit/s from the pod of east's node to that of west's."""
    source, target = (next(n for n in net.nodes if n.name == f"{side}{number}") for side in "ew")
    words = (sys.executable, BULK, "send", target.pod_address, str(seconds), str(flows))
    return float(net.inside(f"{source.name}p", *words))


def limit(net: Net) -> None:
    """Give each gateway of east an uplink of its own that is slower than the cores."""
    for gateway in net.topology.gateways("east"):
        shape = f"tbf rate {LIMIT}mbit burst 64kb latency 50ms"
        net.inside(gateway.name, "tc", "qdisc", "add", "dev", "eth0", "root", *shape.split())


def fight(duel: Duel, nets: tuple[Net, Net], number: int, flows: int, options: argparse.Namespace) -> Duel:
    """Let both send by turns, each first as often as the other."""
    for turn in range(options.rounds):
        order = (0, 1) if turn % 2 == 0 else (1, 0)
        got = {which: carried(nets[which], number, flows, options.seconds) for which in order}
        duel.figures.append((got[0], got[1]))
    print(duel.line(), flush=True)
    return duel


def against_hand(link: Spec, options: argparse.Namespace) -> list[Duel]:
    with ExitStack() as stack:
        nets = (stack.enter_context(running(Net, link)), stack.enter_context(running(ByHand, link)))
        return [
            fight(Duel(f"{link['driver']}, {way}", "ours", "by hand", 0.95, []), nets, number, flows, options)
            for way, (number, flows) in WAYS.items()
        ]


def two_against_one(link: Spec, options: argparse.Namespace) -> list[Duel]:
    """With uplinks of their own, and with nothing but the machine's cores, which all gateways share here."""
    with ExitStack() as stack:
        nets = (stack.enter_context(running(Net, link, 2)), stack.enter_context(running(Net, link, 1)))
        free = Duel(f"{link['driver']}, {os.cpu_count()} shared cores", "2 gateways", "1 gateway", 0.0, [])
        fight(free, nets, 3, FLOWS, options)
        for net in nets:
            limit(net)
        limited = Duel(f"{link['driver']}, uplinks of {LIMIT} Mbit/s", "2 gateways", "1 gateway", 1.7, [])
        return [free, fight(limited, nets, 3, FLOWS, options)]


def main() -> int:
    """Print the table; 0 when every target is met."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmark.throughput", description=__doc__)
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--drivers", default="wireguard,vxlan,direct")
    options = parser.parse_args()
    if reason := missing():
        print(f"skipped: {reason}")
        return 0
    print(f"TCP, pod to pod, {options.rounds} rounds of {options.seconds:g} s by turns; medians, ratio (least..most)")
    print(f"{'':34}{'Mbit/s':>22}{'Mbit/s':>22}{'ratio':>8}")
    links = [link for link in LINKS if link["driver"] in options.drivers.split(",")]
    duels = [duel for link in links for duel in against_hand(link, options)]
    duels += two_against_one(links[0], options)
    gates = [Gate(f"{x.title}: {x.one} / {x.other}", x.ratio, x.target, least=True) for x in duels if x.target]
    print("\n".join(["", *(gate.line() for gate in gates)]))
    return 0 if all(gate.met for gate in gates) else 1


if __name__ == "__main__":
    sys.exit(main())
