"""What Galaxy, Automation Hub and an execution environment ask of a collection."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest

from tests.gates.tools import BIN, BUILD, clean_copy, passes

NOT_SHIPPED = ("tests/", ".ci/", "Makefile", "pyproject.toml", "requirements/", ".build", ".venv", ".lab")


@pytest.fixture(scope="module")
def artifact() -> Path:
    """The built collection."""
    tree = clean_copy("lint")
    folder = BUILD / "artifact"
    passes(BIN / "ansible-galaxy", "collection", "build", "--force", "--output-path", folder, tree)
    return max(folder.glob("clusterset-fabric-*.tar.gz"), key=lambda path: path.stat().st_mtime)


def test_changelog_fragments_are_well_formed() -> None:
    passes(BIN / "antsibull-changelog", "lint")


def test_ansible_lint_production() -> None:
    tree = clean_copy("lint")
    passes(BIN / "ansible-lint", "--offline", "--strict", "--nocolor", cwd=tree, limit=600)


def test_artifact_ships_what_users_run_and_nothing_else(artifact: Path) -> None:
    with tarfile.open(artifact) as archive:
        names = archive.getnames()
    assert {"COPYING", "README.md", "meta/runtime.yml", "meta/execution-environment.yml"} <= set(names)
    assert [name for name in names if name.startswith("plugins/module_utils/client/")]
    assert [name for name in names if name.startswith("agent/")]
    assert not [name for name in names if name.startswith(NOT_SHIPPED)]


def test_galaxy_importer_accepts_the_artifact(artifact: Path) -> None:
    settings = {
        "GALAXY_IMPORTER_RUN_ANSIBLE_LINT": "false",  # test_ansible_lint_production does it
        "GALAXY_IMPORTER_CHECK_REQUIRED_TAGS": "true",
        "GALAXY_IMPORTER_TMP_ROOT_DIR": str(BUILD / "artifact"),
        "ANSIBLE_LOCAL_TEMP": str(BUILD / "artifact" / "tmp"),
    }
    output = passes(BIN / "python", "-m", "galaxy_importer.main", artifact, cwd=BUILD / "artifact", **settings)
    complaints = [line for line in output.splitlines() if line.startswith(("ERROR", "WARNING"))]
    assert not complaints
    assert "Importer processing completed successfully" in output
