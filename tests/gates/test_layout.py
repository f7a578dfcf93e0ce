"""Each thing is where its name says, so that a stranger finds the file to change by its name alone."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tests.gates.tools import ROOT, own_files

HEADER = (
    "# Copyright (c) 2026 the clusterset.fabric authors\n"
    "# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)\n"
    "# SPDX-License-Identifier: GPL-3.0-or-later\n"
)
LONGEST = 400
FILES = own_files()
ROLES = sorted({path.parts[1] for path in FILES if path.parts[0] == "roles" and len(path.parts) > 2})


def python_under(*folders: str) -> list[Path]:
    return [path for path in FILES if path.suffix == ".py" and path.parts[0] in folders]


def names_in(folder: str) -> set[str]:
    return {path.stem for path in FILES if path.parent == Path(folder) and path.suffix == ".py"} - {"__init__"}


def test_every_shipped_python_file_carries_the_licence() -> None:
    bare = [
        path
        for path in python_under("plugins", "agent")
        if path.name != "__init__.py" and HEADER not in (ROOT / path).read_text()[:400]
    ]
    assert not bare


def test_package_files_are_empty() -> None:
    assert not [
        path for path in python_under("plugins", "agent") if path.name == "__init__.py" and (ROOT / path).read_text()
    ]


def test_no_python_file_is_longer_than_a_room() -> None:
    long = {
        str(path): len((ROOT / path).read_text().splitlines()) for path in python_under("plugins", "agent", "tests")
    }
    assert not {path: lines for path, lines in long.items() if lines > LONGEST}


def test_each_action_is_documented_by_a_module_of_its_name() -> None:
    assert names_in("plugins/action") - {"_skin"} <= names_in("plugins/modules")


@pytest.mark.parametrize("role", ROLES)
def test_role_is_complete(role: str) -> None:
    folder = ROOT / "roles" / role
    for name in ("README.md", "meta/main.yml", "meta/argument_specs.yml", "tasks/main.yml"):
        assert (folder / name).is_file(), f"roles/{role}/{name} is missing"
    spec = yaml.safe_load((folder / "meta/argument_specs.yml").read_text())["argument_specs"]["main"]
    assert spec["short_description"]
    undescribed = [name for name, option in (spec.get("options") or {}).items() if not option.get("description")]
    assert not undescribed


def test_role_defaults_say_what_their_documentation_says() -> None:
    for path in FILES:
        if path.parts[0] == "roles" and path.parts[2:] == ("defaults", "main.yml"):
            spec = yaml.safe_load((ROOT / "roles" / path.parts[1] / "meta/argument_specs.yml").read_text())
            options = spec["argument_specs"]["main"].get("options") or {}
            documented = {name: option.get("default") for name, option in options.items()}
            defaults = yaml.safe_load((ROOT / path).read_text()) or {}
            assert defaults == {name: documented.get(name) for name in defaults}, path
