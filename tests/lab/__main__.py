"""`python -m tests.lab up|down|status|exec|images|program|plugin`: real clusters on this machine."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from . import images
from .lab import Lab
from .paths import default_paths
from .plugins import east_plugin
from .programs import programs
from .spec import LabSpec, SpecError, default_lab, from_file, from_options
from .steps import StepError, Steps


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(prog="python -m tests.lab", description=__doc__)
    commands = top.add_subparsers(dest="command", required=True)
    up = commands.add_parser("up", help="bring the lab up, or what is missing of it")
    up.add_argument("--file", type=Path, help="a YAML file that describes the lab")
    up.add_argument(
        "--cluster", action="append", default=[], metavar="NAME[:KEY=VALUE,...]", help="a cluster; may be repeated"
    )
    up.add_argument("--renew", action="store_true", help="make all clusters anew")
    down = commands.add_parser("down", help="take the lab down and put the machine's settings back")
    down.add_argument("--purge", action="store_true", help="remove the cache too")
    commands.add_parser("status", help="tell what runs")
    run = commands.add_parser("exec", help="run a command where the clusters' networks are reachable")
    run.add_argument("--node", help="run it in this node, for example east-worker")
    run.add_argument("words", nargs=argparse.REMAINDER, metavar="-- command ...")
    images.add_parser(commands)
    program = commands.add_parser("program", help="build one program, without a lab, and tell where it is")
    program.add_argument("name", choices=sorted(programs()))
    commands.add_parser("plugin", help="tell which network plugin east gets here: calico or flannel")
    return top


def wanted_lab(arguments: argparse.Namespace) -> LabSpec:
    """The lab that the command line asks for."""
    if arguments.file:
        return from_file(arguments.file)
    return from_options(arguments.cluster) if arguments.cluster else default_lab()


def execute(lab: Lab, node: str | None, words: list[str]) -> None:
    """Replaces this process by the command, in the lab's network namespace or in a node."""
    words = words[1:] if words[:1] == ["--"] else words
    if not words:
        raise SystemExit("exec: no command; write `exec -- kubectl get nodes`")
    environment = {**lab.engine.environment, "KUBECONFIG": str(lab.paths.kubeconfig)}
    environment["PATH"] = f"{lab.paths.bin}:{os.environ['PATH']}"
    if node:
        interactive = ["-it"] if sys.stdin.isatty() else ["-i"]
        words = ["docker", "exec", *interactive, "--privileged", node, *words]
    else:
        words = [*lab.engine.enter, *words]
    os.execvpe(words[0], words, environment)


def main(argv: list[str] | None = None) -> int:
    """Runs one command. Returns the exit code."""
    arguments = parser().parse_args(argv)
    paths = default_paths()
    lab = Lab(paths, Steps(paths.logs))
    try:
        if arguments.command == "up":
            lab.up(wanted_lab(arguments), arguments.renew)
        elif arguments.command == "down":
            lab.down(arguments.purge)
        elif arguments.command == "status":
            print("\n".join(lab.status()))
        elif arguments.command == "exec":
            execute(lab, arguments.node, arguments.words)
        elif arguments.command == "plugin":
            print(east_plugin(lab))
        elif arguments.command == "program":
            print(lab.program(arguments.name))
        else:
            images.command(lab, arguments)
    except (StepError, SpecError, RuntimeError) as error:
        print(f"lab: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("lab: interrupted; run the same command again to go on", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
