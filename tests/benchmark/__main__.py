"""`python -m tests.benchmark`: what applying costs, ours against kubernetes.core and against the floor."""

from __future__ import annotations

import argparse
import shutil
import sys
import time

from . import peer
from .contenders import ROOT
from .lab import lab_race, running_lab
from .race import race
from .table import Figures, Gate

BUILD = ROOT / ".build" / "bench"


def main() -> int:
    """Print the tables; 0 when every target is met."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmark", description=__doc__)
    parser.add_argument("--clusters", type=int, default=50)
    parser.add_argument("--objects", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--no-lab", action="store_true", help="leave the lab's API servers alone")
    options = parser.parse_args()
    started = time.monotonic()
    runs = BUILD / "run"
    shutil.rmtree(runs, ignore_errors=True)
    folder = peer.collections(BUILD)
    collections = str(ROOT / ".build" / "collections") + (f":{folder}" if folder else "")
    peers = ["list"] if folder else []
    say(
        f"against kubernetes.core {peer.version(folder)}" if folder else "kubernetes.core cannot be had: only the floor"
    )
    size = {"clusters": options.clusters, "count": options.objects, "rounds": options.rounds}
    names = ["floor", "ours", *peers]
    tables = [race(runs / "large", collections, names=names, say=say, **size)]
    if folder:
        small = {"clusters": 2, "count": 5, "rounds": options.rounds}
        tables.append(race(runs / "small", collections, names=["ours", "list", "loop"], say=say, **small))
    kubeconfig = None if options.no_lab else running_lab()
    if kubeconfig and folder:
        tables.append(lab_race(runs / "lab", kubeconfig, collections, options.objects, options.rounds, say))
    else:
        say("the lab is left out: it does not run" if not options.no_lab else "the lab is left out")
    for table in tables:
        print("\n".join(table.lines()))
    print()
    gates = _gates(tables[0], peers)
    for gate in gates:
        print(gate.line())
    for table in tables[1:]:
        for name in ("list", "loop"):
            if name in table.costs:
                middle, least, most = table.ratio(name, "ours")
                print(
                    f"      {table.title.partition(',')[0]}: {name} costs {middle:.0f}x ours ({least:.0f}..{most:.0f})"
                )
    print(f"in {time.monotonic() - started:.0f} s")
    return 0 if all(gate.met for gate in gates) else 1


def _gates(table: Figures, peers: list[str]) -> list[Gate]:
    again = table.requests["ours, again"] / table.objects["ours, again"]
    gates = [
        Gate("CPU per object over the floor, both less their start", _over_floor(table), 5, least=False),
        Gate("requests per object, ours again with nothing to do", again, 0.15, least=False),
    ]
    if peers:
        gates.append(Gate("CPU per object, kubernetes.core's list over ours", table.ratio("list", "ours")[0], 60, True))
    return gates


def _over_floor(table: Figures) -> float:
    """Neither side's imports count: the floor is measured less an idle run of itself, and so are we."""
    return table.ratio("ours", "floor", base="ours, idle")[0]


def say(text: str) -> None:
    """Progress goes to the error stream, so that the tables can be kept."""
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
