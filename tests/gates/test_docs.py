"""Documents point at things that exist, and use the words of the architecture page."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from tests.gates.tools import BIN, ROOT, clean_copy, own_files, passes

PAGES = [path for path in own_files() if path.suffix == ".md" and path.parts[0] != "tests"]
LINK = re.compile(r"\]\((?!https?://|#)([^)#]+)")
VARIABLE = re.compile(r"(?<!table ip )\bfabric_[a-z_]+[a-z]\b")  # tables of nftables have such names too
# what the words of the architecture page replace
SYNONYMS = re.compile(
    r"\b(federation|fleet|tenant cluster|member cluster|tunnels? between clusters|mesh of clusters)\b", re.I
)


def documented_variables() -> set[str]:
    """Every variable of every role's argument specification."""
    names: set[str] = set()
    for path in own_files():
        if path.match("roles/*/meta/argument_specs.yml"):
            for entry in yaml.safe_load((ROOT / path).read_text())["argument_specs"].values():
                names |= set(entry.get("options") or {})
    return names


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_links_lead_somewhere(page: Path) -> None:
    targets = LINK.findall((ROOT / page).read_text())
    assert not [target for target in targets if not (ROOT / page.parent / target).exists()]


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_variables_named_in_a_page_exist(page: Path) -> None:
    assert not set(VARIABLE.findall((ROOT / page).read_text())) - documented_variables()


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_one_word_for_one_thing(page: Path) -> None:
    assert not SYNONYMS.findall((ROOT / page).read_text())


def test_plugin_documentation_is_valid() -> None:
    tree = clean_copy("lint")
    passes(
        BIN / "antsibull-docs",
        "lint-collection-docs",
        "--plugin-docs",
        "--skip-rstcheck",
        "--validate-collection-refs=dependent",
        "--disallow-unknown-collection-refs",
        tree,
        limit=300,
    )
