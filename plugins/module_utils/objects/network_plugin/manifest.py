# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An upstream manifest as objects, and how patches find their way in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ...client.types import Object
from ...errors import FabricError
from ...facts.documents import yaml_documents
from ...facts.raw import containers, dig, name_of
from ...facts.releases import Minor
from ...facts.services import image_version


@dataclass(frozen=True)
class Certificate:
    """A server's certificate and key, PEM; its own authority."""

    certificate: str
    key: str = field(repr=False)


@dataclass(frozen=True)
class Settings:
    """What the patches put in. ``mtu`` is that of the pods, in bytes; 0 leaves it to the plugin."""

    pod_cidr: str
    mtu: int = 0
    backend: str = "vxlan"
    data_plane: str = ""  # iptables, nftables; "" leaves it to the plugin
    kubernetes: Minor | None = None
    certificates: Mapping[str, Certificate] = field(default_factory=dict)


@dataclass
class Manifest:
    """The objects of one release. Patches change them in place."""

    plugin: str
    version: str
    objects: list[Object]
    patch: str = ""  # the one that is being applied, for messages

    def find(self, kind: str, name: str) -> Object:
        """The object of this kind and name.

        :raises FabricError: names the patch and the manifest's version.
        """
        found = self.get(kind, name)
        return found if found is not None else self.missed(f"{kind} {name}")

    def get(self, kind: str, name: str) -> Object | None:
        """The object of this kind and name, or None."""
        return next((item for item in self.objects if item["kind"] == kind and name_of(item) == name), None)

    def container(self, workload: Object, name: str) -> Object:
        """A container of a workload."""
        found = next((item for item in containers(workload) if item.get("name") == name), None)
        return found if found is not None else self.missed(f"container {name} of {name_of(workload)}")

    def value(self, item: Object, *path: str) -> Any:
        """What is at a path that must be there."""
        found = dig(item, *path)
        return found if found is not None else self.missed(f"{'.'.join(path)} of {item.get('kind')} {name_of(item)}")

    def remove(self, *kinds_and_names: tuple[str, str]) -> None:
        """Take objects out; those that are not there are no fault."""
        self.objects[:] = [item for item in self.objects if (item["kind"], name_of(item)) not in kinds_and_names]

    def missed(self, target: str) -> Any:
        """Refuse a manifest that is not built as the patch expects."""
        raise FabricError(
            f"the patch '{self.patch}' finds no {target} in the manifest of {self.plugin} {self.version}",
            fix="use the manifest of a release that this collection knows (docs/network-plugins.md)",
        )


Patch = Callable[[Manifest, Settings], None]


def run_patches(manifest: Manifest, settings: Settings, patches: tuple[Patch, ...]) -> None:
    """Apply the patches in their order, each by its function's name."""
    for patch in patches:
        manifest.patch = patch.__name__.replace("_", " ")
        patch(manifest, settings)


def set_environment(container: Object, name: str, value: str) -> None:
    """Give a container's variable a literal value, whatever it was before."""
    entries = container.setdefault("env", [])
    entry = next((each for each in entries if each.get("name") == name), None)
    if entry is None:
        entries.append({"name": name, "value": value})
    else:
        entry.pop("valueFrom", None)
        entry["value"] = value


def parse(plugin: str, version: str, text: str) -> Manifest:
    """The manifest's objects, without what only an API server writes.

    :raises FabricError: no YAML, not Kubernetes objects, another plugin, or another version than the given one.
    """
    fix = "fabric_network_plugin_manifest must be the upstream manifest of the plugin"
    try:
        documents = yaml_documents(text)
    except ValueError as error:
        raise FabricError(f"the manifest of {plugin} is no YAML: {error}", fix=fix) from error
    objects: list[Object] = []
    for document in documents:
        is_list = isinstance(document, dict) and document.get("kind") == "List"
        objects += document.get("items") or [] if is_list else [document]
    for item in objects:
        if not isinstance(item, dict) or not (item.get("kind") and item.get("apiVersion") and name_of(item)):
            raise FabricError(f"the manifest of {plugin} holds something that is no Kubernetes object", fix=fix)
        item.pop("status", None)
        item["metadata"].pop("creationTimestamp", None)
        if item.get("spec", True) is None:
            del item["spec"]
    found = stated_version(plugin, objects)
    if version and found and found.lstrip("v") != version.lstrip("v"):
        raise FabricError(
            f"the manifest is of {plugin} {found}, not {version}",
            fix="set fabric_network_plugin_version to the manifest's version, or give the manifest of the wanted one",
        )
    if not (found or version):
        raise FabricError(
            f"the manifest of {plugin} does not tell its version", fix="set fabric_network_plugin_version to it"
        )
    return Manifest(plugin, found or version, objects)


_IMAGES = {"flannel": ("flannel",), "calico": ("node",)}


def stated_version(plugin: str, objects: list[Object]) -> str:
    """Version that the image of the plugin's own DaemonSet has, "" where the manifest has none (operator)."""
    for item in objects:
        for container in containers(item) if item.get("kind") == "DaemonSet" else []:
            image = str(container.get("image", ""))
            if image.partition("@")[0].rpartition("/")[2].partition(":")[0] in _IMAGES[plugin]:
                return image_version(image)
    return ""
