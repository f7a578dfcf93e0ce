"""Which credentials a verification warns of."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from ansible_collections.clusterset.fabric.plugins.module_utils.status.credentials import complaint

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
PREFIX = "fabric.clusterset.io"


def secret(issued: str, expires: str, refused: str = "false") -> dict[str, object]:
    notes = {f"{PREFIX}/issued": issued, f"{PREFIX}/expires": expires, f"{PREFIX}/refused": refused}
    return {"metadata": {"labels": {f"{PREFIX}/peer": "west"}, "annotations": notes}}


def at(hours: float) -> str:
    return (NOW + timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.mark.parametrize(
    ("issued", "left", "wanted"),
    [
        (-1, 23, ""),
        (-15, 9, ""),  # the sync part renews it at half of its life, and the playbook below a third
        (-17, 7, "its credential at west ends at 2026-05-04T19:00:00Z, in 7.0 h, and was not renewed: run site.yml"),
        (-23.5, 0.5, "in 30 min, and was not renewed"),
        (-24, 0, "its credential at west ended at 2026-05-04T12:00:00Z: run site.yml"),
        (-30, -6, "ended at 2026-05-04T06:00:00Z"),
    ],
)
def test_what_has_little_of_its_life_left_is_told(issued: float, left: float, wanted: str) -> None:
    found = complaint(secret(at(issued), at(left)), NOW)
    assert wanted in found
    assert bool(wanted) == bool(found)


def test_a_refused_one_and_one_without_an_end_are_told() -> None:
    assert complaint(secret(at(-1), at(23), "true"), NOW).startswith("its credential at west is refused there")
    for broken in (secret("", at(3)), secret(at(1), "soon"), secret("2026-05-04", at(3)), {"metadata": {}}):
        assert "does not say until when it lasts" in complaint(broken, NOW)
