# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A rehearsal as a person reads it: each repetition, each scenario, what went wrong and what to do next."""

from __future__ import annotations

from collections import Counter

from ..status.rehearsal import MISSED, SKIPPED, UNKNOWN, Rehearsal, Repetition
from ..status.types import ClusterReport
from .table import table

HEAD = ("SCENARIO", "#", "WHERE", "STREAMS", "LOST", "GAP", "STALL", "HEALING", "BOUND", "VERDICT")
MOST_REASONS = 6  # of one repetition; the JSON report has all
NEXT = {
    "baseline": "the machines lose packets by themselves: give them processors, then trust the other rows",
    "agent_restart": "a restarting agent must change nothing: look at its log for what it found wrong",
    "rotate": "the new keys must work before the old ones go: look at the Link objects of both generations",
    "drain": "look at the agent's log on that gateway, and at the status of its Gateway object",
    "link_cut": "look at the probes: the agents' logs on both ends, and `kubectl -n clusterset-fabric get links`",
    "gateway_blackhole": "look at the logs of the agents on the other nodes: do their probes see it?",
    "gateway_cut": "look at the logs of the agents on the other nodes, and whether the second gateway has links Up",
}


def rehearse_table(result: Rehearsal) -> str:
    """Text of several lines, the verdict last."""
    parts = []
    if result.repetitions:
        parts.append(table(HEAD, [_row(each) for each in result.repetitions]))
    if result.summaries():
        parts += ["", scenarios(result), ""]
    parts += [line for each in result.repetitions for line in _explained(each)]
    parts += [f"problem: {cluster}: {text}" for cluster, text in result.problems]
    parts += [line for report in result.clusters for line in _cluster(report)]
    return "\n".join([*parts, *advice(result), verdict(result)])


def _row(each: Repetition) -> list[str]:
    where = f"{each.cluster}/{each.where}" if each.where else each.cluster
    number = str(each.number) if each.number else ""
    during, after = each.during, each.after
    if not during.streams:
        return [each.scenario, number, where, "", "", "", "", "", each.bound, each.state]
    return [
        each.scenario,
        number,
        where,
        str(len(during.streams)),
        f"{during.lost} of {during.sent}",
        _ms(during.gap),
        _ms(during.stall),
        "" if after is None else f"{after.lost} of {after.sent}",
        each.bound,
        each.state.upper() if each.state == MISSED else each.state,
    ]


def scenarios(result: Rehearsal) -> str:
    """One row a scenario: how often, and the median and the worst of its gaps."""
    rows = [
        [
            each.scenario,
            f"{each.met} of {each.times}",
            f"{each.lost} of {each.sent}",
            _ms(each.median_gap),
            _ms(each.longest_gap),
            _ms(each.longest_stall),
        ]
        for each in result.summaries()
    ]
    return table(["SCENARIO", "GOOD", "LOST", "MEDIAN GAP", "LONGEST GAP", "LONGEST STALL"], rows)


def _ms(value: float) -> str:
    return f"{value:.0f} ms"


def _explained(each: Repetition) -> list[str]:
    """Why a repetition was skipped or is not good, and what else is to be known of it."""
    title = f"{each.scenario} {each.number}" if each.number else each.scenario
    lines = [f"note: {title}: {note}" for note in each.notes]
    if each.state in (SKIPPED, UNKNOWN, MISSED):
        word = each.state.upper() if each.state == MISSED else each.state
        reasons = list(each.reasons[:MOST_REASONS])
        if len(each.reasons) > MOST_REASONS:
            reasons.append(f"and {len(each.reasons) - MOST_REASONS} more in the JSON report")
        lines += [f"{word} {title} in {each.cluster}: {reason}" for reason in reasons]
    if each.state == MISSED and _late(each):
        lines.append(f"note: {title}: a pod sent up to {_late(each):.0f} ms late, so a gap may be its own")
    return lines


def _late(each: Repetition) -> float:
    """How late any pod sent, where that is as long as the longest gap or half of it."""
    late = max((stream.late for stream in each.during.streams), default=0.0)
    return late if late * 2 >= each.during.gap else 0.0


def _cluster(report: ClusterReport) -> list[str]:
    lines = [f"note: {report.cluster}: {note}" for note in report.notes]
    lines += [f"note: {place.label}: {place.reason}" for place in report.places if place.reason]
    if report.reason:
        fix = f" Fix: {report.fix}" if report.fix else ""
        lines.append(f"absent: {report.cluster}: {report.reason}{fix}")
    return lines


def advice(result: Rehearsal) -> list[str]:
    """What to do next, one line for each kind of trouble."""
    lines = []
    missed = dict.fromkeys(each.scenario for each in result.repetitions if each.state == MISSED)
    if "baseline" in missed:
        missed = {"baseline": None}
    lines += [f"next: {name}: {NEXT.get(name, 'look at the reasons above')}" for name in missed]
    if any(each.state == UNKNOWN for each in result.repetitions):
        lines.append("next: run it again for what is unknown; -e fabric_rehearse_scenarios=NAME,NAME chooses")
    if result.problems or any(report.reason for report in result.clusters):
        lines.append("next: run verify, which names the broken hop between clusters that do not reach each other")
    return lines


def verdict(result: Rehearsal) -> str:
    """Totals and time in one line."""
    states = Counter(each.state for each in result.repetitions)
    counts = ", ".join(f"{count} {state}" for state, count in sorted(states.items())) or "nothing rehearsed"
    requests = sum(report.requests for report in result.clusters)
    return f"rehearse: {counts}; {len(result.clusters)} clusters, {requests} requests, {result.seconds:.0f} s"


def messages(result: Rehearsal) -> dict[str, str]:
    """Why each faulty cluster failed, in one line each: inventory host name -> message."""
    return {name: f"{name}: {_message(name, result)}" for name in result.faulty()}


def _message(name: str, result: Rehearsal) -> str:
    report = next((report for report in result.clusters if report.cluster == name), None)
    if report is not None and report.reason:
        return report.reason + (f" Fix: {report.fix}" if report.fix else "")
    words = [text for cluster, text in result.problems if cluster == name]
    for each in result.repetitions:
        if each.cluster == name and each.state in (MISSED, UNKNOWN):
            words.append(f"{each.scenario} {each.number} {each.state}: {each.reasons[0] if each.reasons else ''}")
    return "; ".join(words)
