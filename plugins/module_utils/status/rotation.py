# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A rotation of all link keys, as the playbook ``rotate`` does it, within a rehearsal."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from ..apply.rotate import rotate
from ..apply.types import Options
from ..client.fleet import fleet
from ..errors import FabricError
from ..facts.collect import collect
from ..model.types import ClusterModel
from ..plan.build import RefusedError, build_plan
from ..plan.rotation import ROTATE

FACTS_SECONDS = 30.0


async def rotate_keys(models: Sequence[ClusterModel]) -> str:
    """Rotate the keys of all links and return what was done, in words.

    :raises FabricError: if a cluster did not answer or did not come along; the next rotation goes on from there.
    """
    refs = [model.ref for model in models]
    outcomes = await fleet(refs, collect, deadline=FACTS_SECONDS)
    for outcome in outcomes.values():
        if outcome.error:
            raise outcome.error
    facts = {host: outcome.value for host, outcome in outcomes.items() if outcome.value is not None}
    try:
        plan = build_plan(models, facts)
    except RefusedError as refused:
        raise refused.errors[0] from refused
    now = datetime.now(UTC)
    done = await rotate(plan, refs, ROTATE, Options(), _quiet, older_than=timedelta(0), now=now)
    if not done.complete:
        reasons = [*done.stage.failed.values(), *done.notes, "it did not come to its end"]
        raise FabricError(f"the rotation of link keys: {reasons[0]}", fix="run the playbook rotate")
    return f"generation {done.decision.target} of all links"


def _quiet(cluster: str, text: str) -> None:
    """The rehearsal tells its own progress."""
