# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a hub's access provider means here: a kubeconfig of this machine, or a program that gets a credential."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from . import generated
from .entries import Entry, fault, listed
from .kubeconfig import absolute

DIRECTORY = "~/.cache/clusterset.fabric"


@dataclass(frozen=True)
class Profile:
    """The names of a ClusterProfile."""

    name: str
    namespace: str

    def fill(self, text: str) -> str:
        """Text with ``{name}`` and ``{namespace}`` replaced."""
        return text.replace("{name}", self.name).replace("{namespace}", self.namespace)


@dataclass(frozen=True)
class Way:
    """How clusters that offer a provider are reached: by ``kubeconfig`` and ``context``, or by ``program``.

    ``program`` is an exec plugin as a kubeconfig writes it; ``directory`` is where the kubeconfig for it is put.
    """

    provider: str
    place: str
    base: str
    directory: str
    kubeconfig: str = ""
    context: str = ""
    program: Mapping[str, Any] | None = None


def joined(paths: list[str]) -> str:
    """Several kubeconfig paths as one value, as in $KUBECONFIG."""
    return os.pathsep.join(paths)


def read(entry: Entry, base: str) -> list[Way]:
    """The ways under ``access:`` in their order, which is the order of preference; ``*`` is always the last."""
    ways = []
    directory = absolute(entry.text("directory", DIRECTORY), base, entry.at("directory"))
    for provider in entry.mapping("access"):
        place = f"{entry.place}.access.{provider}"
        item = Entry(entry.mapping("access")[provider], place, ("kubeconfig", "context", "exec"))
        program = generated.read_program(item, base) if "exec" in item.data else None
        if (program is None) == ("kubeconfig" not in item.data):
            raise fault(place, "needs either kubeconfig (and context) or exec.", "write one of the two")
        ways.append(Way(str(provider), place, base, directory, item.text("kubeconfig"), item.text("context"), program))
    if not ways:
        fix = "write access: {provider: {kubeconfig: path, context: name}} or {provider: {exec: {command: name}}}"
        raise fault(entry.at("access"), "says of no access provider how to use it.", fix)
    return sorted(ways, key=lambda way: way.provider == "*")


def reference(
    ways: list[Way], providers: Mapping[str, Mapping[str, Any]], profile: Profile, place: str
) -> dict[str, Any]:
    """The host variables that reach one cluster by the first way whose provider it offers.

    A kubeconfig under ``*`` suits every cluster, also one that offers nothing.
    """
    for way in ways:
        offered = [name for name in sorted(providers) if fnmatchcase(name, way.provider)]
        if way.program is not None and offered:
            file = generated.File(way.directory, profile.name, f"{way.base}\0{way.place}\0{profile.namespace}")
            path = generated.write(file, providers[offered[0]], way.program, way.place)
            return {"fabric_kubeconfig": path, "fabric_context": profile.name}
        if way.program is None and (offered or way.provider == "*"):
            path = absolute(profile.fill(way.kubeconfig), way.base, f"{way.place}.kubeconfig")
            if not os.path.isfile(path):
                what = f"no such kubeconfig for {profile.namespace}/{profile.name}: {path}."
                raise fault(f"{way.place}.kubeconfig", what, "create it, or correct the path")
            context = {"fabric_context": profile.fill(way.context)} if way.context else {}
            return {"fabric_kubeconfig": path, **context}
    who = f"ClusterProfile {profile.namespace}/{profile.name}"
    what = f"{who} offers the access providers {listed(providers)}; none of them is here."
    raise fault(f"{place}.access", what, "add one of them, or '*' with a kubeconfig, or choose profiles by selector:")
