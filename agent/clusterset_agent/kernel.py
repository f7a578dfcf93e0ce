# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The node's kernel: made equal to the target by the smallest set of changes. Everything here blocks; one thread."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from . import wireguard
from .devices import Devices
from .faults import AgentError
from .kernel_state import KernelState, LocalFacts, WireguardLink
from .names import OVERLAY
from .nftables import Table
from .reverse_path import ReversePath, plugin_devices
from .routing import Routing, transport_devices
from .settings import Settings


@dataclass
class Outcome:
    """What a pass changed, what went wrong, and what only needs a little time (interfaces being made)."""

    changes: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    pending: list[str] = field(default_factory=list)


class Kernel:
    """All that the agent programs. Make and use it in one and the same thread."""

    def __init__(self, settings: Settings) -> None:
        from pyroute2 import IPRoute

        self._settings = settings
        self._netlink: Any = IPRoute()
        self._devices = Devices(self._netlink)
        self._routing = Routing(self._netlink)
        self._table = Table(settings.run / "table.json")
        self._reverse_path = ReversePath(settings.sysctl, settings.run / "sysctl.json")
        self._in_kernel: bool | None = None

    def close(self) -> None:
        """Give the netlink socket back."""
        self._netlink.close()

    @property
    def implementation(self) -> str:
        """Where WireGuard runs on this node: ``kernel`` or ``userspace``."""
        if self._in_kernel is None:
            self._in_kernel = wireguard.kernel_has_wireguard(self._netlink)
        return "kernel" if self._in_kernel else "userspace"

    def public_key(self) -> str:
        """Return the node's public key; made at the first call."""
        return wireguard.own_public_key(self._settings.key)

    def facts(self, pods: Iterable[str]) -> LocalFacts:
        """Look for the device of the node's own address and for the network plugin's transport devices."""
        self._devices.refresh()
        device, mtu = self._devices.holder(self._settings.underlay)
        indexes = self._devices.indexes()
        pure, shared = plugin_devices(indexes)
        names = {index: name for name, index in indexes.items()}
        pure |= transport_devices(self._netlink, pods, names) - shared
        return LocalFacts(device, mtu, tuple(sorted(pure)), tuple(sorted(shared)))

    def converge(self, target: KernelState, alive: frozenset[str]) -> Outcome:
        """Make the kernel equal to the target. A fault in one part does not keep the others from being right."""
        outcome = Outcome()

        def attempt(step: Callable[[], Iterable[str]]) -> None:
            try:
                outcome.changes.extend(step())
            except (AgentError, OSError) as error:
                outcome.faults.append(str(error))
            except Exception as error:  # pyroute2's errors have no common base below Exception
                outcome.faults.append(f"{type(error).__name__}: {error}")

        self._devices.refresh()
        attempt(lambda: self._overlay(target))
        # sources must be kept before the first packet can take one of our routes
        attempt(lambda: self._table.converge(target.ruleset))
        public_key = self.public_key() if target.links else ""
        states = wireguard.read_all() if target.links else {}
        for link in target.links:
            attempt(lambda link=link: self._link(link, target, public_key, states, alive, outcome))  # type: ignore[misc]
        attempt(lambda: self._reverse_path.converge(target.transports))
        attempt(lambda: self._routing.converge(target.routes, self._devices.indexes()))
        attempt(lambda: self._drop_links(self._devices.links() | self._files(), target))
        return outcome

    def states(self) -> dict[str, wireguard.WireguardState]:
        """Return what WireGuard tells of the links."""
        return wireguard.read_all()

    def loosen(self, transports: Iterable[str]) -> list[str]:
        """Keep the reverse path checks loose; devices may have been made anew."""
        return self._reverse_path.converge(transports)

    def undo(self) -> Outcome:
        """Remove everything of ours from the node; safe to repeat."""
        outcome = Outcome()

        def attempt(step: Callable[[], Iterable[str]]) -> None:
            try:
                outcome.changes.extend(step())
            except Exception as error:
                outcome.faults.append(f"{type(error).__name__}: {error}")

        self._devices.refresh()
        attempt(lambda: self._routing.converge((), self._devices.indexes()))
        attempt(lambda: self._drop_links(self._devices.links() | self._files(), None))
        attempt(lambda: self._devices.delete(OVERLAY))
        attempt(self._table.delete)
        attempt(self._reverse_path.restore)
        attempt(self._forget)
        return outcome

    def _overlay(self, target: KernelState) -> list[str]:
        name = target.overlay.name
        changes = self._devices.overlay(target.overlay)
        changes += self._devices.address(name, target.address)
        return changes + self._devices.neighbours(name, target.neighbours)

    def _link(
        self,
        link: WireguardLink,
        target: KernelState,
        public_key: str,
        states: dict[str, wireguard.WireguardState],
        alive: frozenset[str],
        outcome: Outcome,
    ) -> list[str]:
        changes: list[str] = []
        if link.name not in self._devices.indexes():
            changes += self._make(link.name)
            states |= wireguard.read_all()
        if link.name not in states:
            outcome.pending.append(link.name)
            return changes
        changes += wireguard.configure(
            link, self._settings.key, public_key, states[link.name], alive=link.name in alive
        )
        changes += self._devices.up(link.name, link.mtu)
        return changes + self._devices.address(link.name, target.address)

    def _make(self, name: str) -> list[str]:
        if self.implementation == "kernel":
            return self._devices.add(name, "wireguard")
        order = self._settings.tunnels / name
        if order.exists():
            return []
        order.parent.mkdir(parents=True, exist_ok=True)
        order.touch()
        return [f"device {name} ordered"]

    def _drop_links(self, present: set[str], target: KernelState | None) -> list[str]:
        changes: list[str] = []
        for name in sorted(present - {link.name for link in target.links} if target else present):
            with contextlib.suppress(FileNotFoundError):
                (self._settings.tunnels / name).unlink()
            changes += self._devices.delete(name) or [f"device {name} no longer ordered"]
        return changes

    def _files(self) -> set[str]:
        folder = self._settings.tunnels
        return {entry.name for entry in folder.iterdir()} if folder.is_dir() else set()

    def _forget(self) -> list[str]:
        changes: list[str] = []
        for path in (self._settings.cache, self._settings.key):
            if path.exists():
                path.unlink()
                changes.append(f"file {path.name} removed")
        return changes
