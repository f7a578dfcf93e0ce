# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which links and gateways are fit for use follows from the probes alone."""

from __future__ import annotations

from clusterset_agent.links import links_of
from clusterset_agent.liveness import Verdict
from clusterset_agent.probe_points import RESERVED, anywhere, beyond, blocks, here
from clusterset_agent.ways import STEADY, Fitness, fit, judge, probed, vouched

from .samples import WEST, gateway, situation

ONE, TWO = links_of(situation("g1"))


UP = Verdict(True, up_for=60.0, answered=0.1, missing=100.0)
DEAD = Verdict(False, answered=0.7, missing=0.5)
UNKNOWN = Verdict()
WORDS = {True: UP, False: DEAD, None: UNKNOWN}


def verdicts(**changes: bool | Verdict | None) -> dict[str, Verdict]:
    """All that gateway g1 probes answers, but for the changes: one, two, beyond_one, beyond_two."""
    keys = {"one": ONE.name, "two": TWO.name, "beyond_one": f"{ONE.name}/beyond", "beyond_two": f"{TWO.name}/beyond"}
    said = {name: changes.get(name, True) for name in keys}
    return {keys[name]: word if isinstance(word, Verdict) else WORDS[word] for name, word in said.items()}


def links_fit(**changes: bool | Verdict | None) -> set[str]:
    found = fit(situation("g1"), (ONE, TWO), verdicts(**changes))
    return {"one" if name == ONE.name else "two" for name in found if name.startswith("fab-")}


def test_every_probe_has_an_address_of_its_own() -> None:
    ways = probed(situation("g1"), (ONE, TWO)) | probed(situation("plain"), ())
    assert len(set(ways.values())) == len(ways)


def test_a_gateway_that_answers_but_does_not_forward_is_out() -> None:
    assert links_fit() == {"one", "two"}
    assert links_fit(beyond_one=False) == {"two"}


def test_a_dead_node_behind_a_gateway_says_nothing_against_the_gateway() -> None:
    assert links_fit(two=False, beyond_one=False, beyond_two=None) == {"one"}


def test_two_that_die_together_do_not_accuse_each_other() -> None:
    silent = Verdict(True, up_for=60.0, answered=0.6, missing=0.3)
    assert links_fit(two=silent, beyond_one=False, beyond_two=False) == {"one"}


def test_two_that_come_back_together_do_not_accuse_each_other() -> None:
    back = Verdict(True, up_for=0.1, answered=0.0, missing=9.0)
    returning = Verdict(False, answered=0.0, missing=9.0)
    assert links_fit(two=back, beyond_one=returning, beyond_two=True) == {"one", "two"}
    steady = back._replace(up_for=STEADY + 0.1)
    assert links_fit(two=steady, beyond_one=returning, beyond_two=True) == {"two"}


def test_a_witness_is_heard_as_soon_as_it_can_tell() -> None:
    one, two = ONE.name, TWO.name
    assert vouched((ONE, TWO)) == {one: [f"{one}/beyond", f"{two}/beyond"], two: [f"{two}/beyond", f"{one}/beyond"]}


def test_what_never_answered_is_not_taken_for_dead() -> None:
    assert links_fit(beyond_one=None) == {"one", "two"}, "the other side may be of an older version"
    assert links_fit(one=None) == {"two"}


def test_a_peers_only_gateway_has_nobody_behind_it() -> None:
    west = {**WEST, "gateways": [gateway("w1", 0)]}
    (link,) = links_of(situation("g1", west))
    assert link.beyond == ""
    assert fit(situation("g1", west), (link,), {link.name: UP}) >= {link.name}


def gateways_fit(**through: bool | None) -> set[str]:
    """What a plain node thinks of its two gateways, by what it reaches through each."""
    said = {"10.248.0.1": UP, "10.248.0.2": UP}
    said |= {f"10.248.0.{number[-1]}/{number[:-1]}": WORDS[value] for number, value in through.items()}
    peers = (WEST, {**WEST, "clusterID": "zeta", "tunnelCIDR": "10.248.12.0/22"})
    return set(fit(situation("plain", *peers), (), said))


def test_a_gateway_of_ones_own_that_forwards_nothing_is_out() -> None:
    assert gateways_fit(west1=True, west2=True) == {"10.248.0.1", "10.248.0.2"}
    assert gateways_fit(west1=False, west2=True) == {"10.248.0.2"}


def test_a_gateway_of_ones_own_that_swallows_is_out_before_any_peer_could_tell() -> None:
    assert gateways_fit(beyond1=False) == {"10.248.0.2"}
    assert gateways_fit(beyond1=False, beyond2=False) == set(), "each of them is well and swallows"


def test_a_dead_peer_says_nothing_against_the_gateways() -> None:
    assert gateways_fit(west1=False, west2=False) == {"10.248.0.1", "10.248.0.2"}
    assert gateways_fit(west1=False, west2=False, zeta1=True, zeta2=False) == {"10.248.0.1"}


def test_probe_points_lie_in_the_reserved_part_and_never_meet() -> None:
    tunnel = "10.248.8.0/22"
    points = [here(tunnel, o, s) for o in range(16) for s in range(4)]
    points += [beyond(tunnel, o, s) for o in range(16) for s in range(4)]
    points += [anywhere(tunnel, o) for o in range(16)]
    assert len(set(points)) == len(points) == RESERVED
    assert blocks(tunnel) == ("10.248.11.192/26", "10.248.11.128/26", "10.248.11.112/28")


def test_what_was_fit_before_all_failed_is_remembered_until_one_is_fit_again() -> None:
    links = (ONE, TWO)
    bad = judge(situation("g1"), links, verdicts(one=False), Fitness(frozenset({ONE.name, TWO.name})))
    assert (bad.fit & {ONE.name, TWO.name}, bad.last & {ONE.name, TWO.name}) == ({TWO.name}, set())
    worse = judge(situation("g1"), links, verdicts(one=False, two=False), bad)
    assert (worse.fit & {ONE.name, TWO.name}, worse.last & {ONE.name, TWO.name}) == (set(), {TWO.name})
    assert judge(situation("g1"), links, verdicts(one=False, two=False), worse) == worse
    better = judge(situation("g1"), links, verdicts(two=False), worse)
    assert (better.fit & {ONE.name, TWO.name}, better.last & {ONE.name, TWO.name}) == ({ONE.name}, set())


def test_where_nothing_is_fit_what_begins_to_answer_is_used_without_its_hold_time() -> None:
    links = (ONE, TWO)
    before = Fitness(last=frozenset({TWO.name}))
    returning = Verdict(False, answered=0.1, missing=9.0)
    assert judge(situation("g1"), links, verdicts(one=returning, two=False), before).last & {ONE.name, TWO.name} == {
        ONE.name
    }
