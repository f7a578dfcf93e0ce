# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a gateway tells of its links: the pieces from probes, drivers and routes put together."""

from __future__ import annotations

from collections.abc import Mapping

from .drivers.base import Traffic
from .kernel_state import Link
from .link_report import LinkReport, report
from .links import links_of
from .prober import Prober
from .situation import Situation
from .sizes import Sizes
from .target import carrying
from .ways import Fitness


class Reports:
    """The newest report of each link, by the link's name."""

    def __init__(self, prober: Prober, sizes: Sizes) -> None:
        self._prober = prober
        self._sizes = sizes
        self.newest: dict[str, LinkReport] = {}

    def renew(self, situation: Situation, fitness: Fitness, traffic: Mapping[str, Traffic], now: float) -> None:
        """Put all reports together anew.

        :param fitness: what the routes in the kernel go by.
        :param now: seconds since the epoch.
        """
        used = carrying(situation, fitness)
        self.newest = {link.name: self._report(link, traffic, fitness.fit, used, now) for link in links_of(situation)}

    def _report(
        self, link: Link, traffic: Mapping[str, Traffic], usable: frozenset[str], used: frozenset[str], now: float
    ) -> LinkReport:
        way = self._prober.way(link.name)
        return report(
            link,
            way,
            traffic.get(link.name, Traffic()),
            self.newest.get(link.name),
            now,
            forwards=link.name in usable,
            carrying=link.name in used,
            size=self._sizes.size(link.name),
        )
