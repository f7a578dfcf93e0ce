"""Settings of the machine that many nodes need, put back afterwards; and the network namespace of the lab."""

from __future__ import annotations

from pathlib import Path

from .state import State
from .steps import Step

_PER_NODE = 40  # inotify instances, with room for what pods open
_SYSCTL = Path("/proc/sys")


def raise_limits(state: State, nodes: int) -> None:
    """Raises the limit that about 8 nodes reach; remembers the value found."""
    name = "fs/inotify/max_user_instances"
    path = _SYSCTL / name
    wanted, found = 256 + nodes * _PER_NODE, int(path.read_text())
    if found >= wanted:
        return
    settings = state.get("settings", {})
    settings.setdefault(name, found)
    state.set("settings", settings)  # before the change: a killed run must still know what to put back
    path.write_text(str(wanted))


def put_back(state: State) -> list[str]:
    """Puts all settings back. Returns their names."""
    settings = state.get("settings", {})
    for name, value in settings.items():
        (_SYSCTL / name).write_text(str(value))
    state.set("settings", None)
    return sorted(settings)


def namespace_file(name: str) -> Path:
    return Path("/run/netns") / name


def make_namespace(step: Step, name: str) -> None:
    """A network namespace with nothing but loopback: whatever runs in it has no way out."""
    if not namespace_file(name).exists():
        step.run(["ip", "netns", "add", name])
    step.run(["nsenter", f"--net={namespace_file(name)}", "ip", "link", "set", "lo", "up"])


def delete_namespace(step: Step, name: str) -> None:
    if namespace_file(name).exists():
        step.run(["ip", "netns", "delete", name])


def mounts_below(folder: Path) -> list[Path]:
    """Mount points in a folder, deepest first."""
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    points = {Path(line.split()[4].replace("\\040", " ")) for line in lines}
    return sorted((point for point in points if folder in point.parents or point == folder), reverse=True)
