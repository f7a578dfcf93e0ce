# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The node's kernel: made equal to the target by the smallest set of changes. Everything here blocks; one thread."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from .devices import Devices
from .drivers.base import Driver, PendingError, Traffic
from .drivers.direct import DirectDriver
from .drivers.vxlan import VxlanDriver
from .drivers.wireguard import WireguardDriver
from .faults import AgentError
from .forwarding import Forwarding
from .kernel_state import KernelState, Link, LocalFacts
from .keys import Keys
from .multipath import HashPolicy
from .names import OVERLAY
from .nftables import Table
from .policy_table import FAMILIES, PolicyTable
from .reverse_path import ReversePath, plugin_devices
from .routing import Routing, transport_devices
from .ruleset import CARRIED
from .settings import Settings

_RETIRE_AFTER = 0.5
"""Seconds between the last route over a link and the end of the link."""


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
        self._table, self._table6 = Table(settings.run / "table.json"), Table(settings.run / "table6.json", "ip6")
        self._reverse_path = ReversePath(settings.sysctl, settings.run / "sysctl.json")
        self._hash_policy = HashPolicy(settings.sysctl, settings.run / "multipath.json")
        self._hash_policy6 = HashPolicy(settings.sysctl, settings.run / "multipath6.json", "ipv6")
        self._forwarding = Forwarding(settings.sysctl, settings.run / "forwarding.json")
        self._unwanted: dict[str, float] = {}
        self.keys = Keys(settings.state)
        self._wireguard = WireguardDriver(self._netlink, self._devices, self.keys, settings.tunnels)
        self._drivers: dict[str, Driver[Any]] = {
            "wireguard": self._wireguard,
            "vxlan": VxlanDriver(self._devices),
            "direct": DirectDriver(),
        }

    def close(self) -> None:
        """Give the netlink socket back."""
        self._netlink.close()

    @property
    def implementation(self) -> str:
        """Where WireGuard runs on this node: ``kernel`` or ``userspace``."""
        return self._wireguard.implementation

    def facts(self, pods: Iterable[str]) -> LocalFacts:
        """Look for the device of the node's own address and for the network plugin's transport devices."""
        self._devices.refresh()
        device, mtu = self._devices.holder(self._settings.underlay)
        indexes = self._devices.indexes()
        pure, shared = plugin_devices(indexes)
        names = {index: name for name, index in indexes.items()}
        pure |= transport_devices(self._netlink, pods, names) - shared
        return LocalFacts(device, mtu, tuple(sorted(pure)), tuple(sorted(shared)))

    def converge(self, target: KernelState, fit: frozenset[str]) -> Outcome:
        """Make the kernel equal to the target. A fault in one part does not keep the others from being right.

        :param fit: names of links that are in use and well.
        """
        outcome = Outcome()

        def attempt(step: Callable[[], Iterable[str]]) -> None:
            try:
                outcome.changes.extend(step())
            except PendingError as pending:
                outcome.pending.append(pending.name)
                outcome.changes.extend(pending.changes)
            except (AgentError, OSError) as error:
                outcome.faults.append(str(error))
            except Exception as error:  # pyroute2's errors have no common base below Exception
                outcome.faults.append(f"{type(error).__name__}: {error}")

        self._devices.refresh()
        attempt(lambda: self._overlay(target))
        # sources must be kept before the first packet can take one of our routes
        attempt(lambda: self._table.converge(target.ruleset))
        attempt(lambda: self._table6.converge(target.ruleset6))
        # a device that carries answers by other ways than questions must be loose before its first packet
        attempt(lambda: self._reverse_path.converge(target.transports))
        for driver in {link.driver for link in target.links}:
            attempt(lambda driver=driver: self._refresh(driver))  # type: ignore[misc]
        for link in target.links:
            attempt(lambda link=link: self._link(link, target.addresses, fit))  # type: ignore[misc]
        attempt(lambda: self._reverse_path.converge(target.transports))
        attempt(self._hash_policy.converge)
        attempt(lambda: self._hash_policy6.converge(target.ipv6))
        attempt(lambda: self._forwarding.converge(target.ipv6))
        attempt(lambda: self._routing.converge(target.routes, self._devices.indexes(up=True)))
        attempt(lambda: self._retire_links({link.name for link in target.links}, outcome))
        attempt(lambda: self.keys.keep(target.generations))
        return outcome

    def traffic(self, links: Iterable[Link]) -> dict[str, Traffic]:
        """Return what has passed each link, by name."""
        found = list(links)
        for driver in {link.driver for link in found}:
            self._drivers[driver].refresh()
        return {link.name: self._drivers[link.driver].traffic(link) for link in found}

    def carried_while_draining(self) -> int:
        """Return the packets of other clusters that the node has forwarded since it began to drain."""
        return self._table.count(CARRIED) + self._table6.count(CARRIED)

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
        attempt(lambda: self._drop_links(self._devices.links() | self._wireguard.ordered()))
        attempt(lambda: self._devices.delete(OVERLAY))
        for step in (self._table.delete, self._table6.delete, self._reverse_path.restore):
            attempt(step)
        for family in FAMILIES:
            attempt(PolicyTable(family).delete)
        for step in (self._hash_policy.restore, self._hash_policy6.restore, self._forwarding.restore):
            attempt(step)
        attempt(self._forget)
        return outcome

    def _overlay(self, target: KernelState) -> list[str]:
        name = target.overlay.name
        changes = self._devices.vxlan(target.overlay)
        changes += self._devices.addresses(name, target.addresses)
        return changes + self._devices.neighbours(name, target.neighbours)

    def _refresh(self, driver: str) -> list[str]:
        self._drivers[driver].refresh()
        return []

    def _link(self, link: Link, addresses: tuple[str, ...], fit: frozenset[str]) -> list[str]:
        return self._drivers[link.driver].converge(link, addresses, fit=link.name in fit)

    def _retire_links(self, wanted: set[str], outcome: Outcome) -> list[str]:
        """Drop the links that nobody wants any more, a moment after their routes: what is under way still arrives."""
        unwanted = (self._devices.links() | self._wireguard.ordered()) - wanted
        now = time.monotonic()
        self._unwanted = {name: self._unwanted.get(name, now) for name in unwanted}
        due = {name for name, since in self._unwanted.items() if now - since >= _RETIRE_AFTER}
        outcome.pending.extend(sorted(unwanted - due))
        return self._drop_links(due)

    def _drop_links(self, names: set[str]) -> list[str]:
        changes: list[str] = []
        for name in sorted(names):
            self._wireguard.cancel(name)
            changes += self._devices.delete(name) or [f"device {name} no longer ordered"]
        return changes

    def _forget(self) -> list[str]:
        changes = self.keys.keep(())
        if self._settings.cache.exists():
            self._settings.cache.unlink()
            changes.append(f"file {self._settings.cache.name} removed")
        return changes
