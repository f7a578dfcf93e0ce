# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The user's Corefile with our part in it, and without."""

from __future__ import annotations

import pytest

from ansible_collections.clusterset.fabric.plugins.module_utils.objects.corefile import (
    with_stub,
    with_zone,
    without_zone,
)

KUBEADM = """.:53 {
    errors
    health {
       lameduck 5s
    }
    ready
    kubernetes cluster.local in-addr.arpa ip6.arpa {
       pods insecure
       fallthrough in-addr.arpa ip6.arpa
       ttl 30
    }
    prometheus :9153
    forward . /etc/resolv.conf {
       max_concurrent 1000
    }
    cache 30 {
       disable success cluster.local
       disable denial cluster.local
    }
    loop
    reload
    loadbalance
}
"""


def test_the_zone_is_added_and_the_rest_stays() -> None:
    text = with_zone(KUBEADM)
    assert text
    assert "    kubernetes cluster.local clusterset.local in-addr.arpa ip6.arpa {\n" in text
    assert "        multicluster clusterset.local # clusterset.fabric\n       pods insecure\n" in text
    assert with_zone(text) == text
    assert without_zone(text) == KUBEADM


def test_what_is_not_cached_for_the_cluster_is_not_cached_for_the_clusterset() -> None:
    text = with_zone(KUBEADM)
    assert text
    assert "       disable success cluster.local clusterset.local\n" in text
    assert "       disable denial cluster.local clusterset.local\n" in text
    other = KUBEADM.replace("disable denial cluster.local", "disable denial example.org # why")
    assert "disable denial example.org # why\n" in (with_zone(other) or "")
    assert without_zone(with_zone(other) or "") == other


def test_what_the_user_changes_afterwards_is_kept() -> None:
    text = with_zone(KUBEADM)
    assert text
    edited = text.replace("ttl 30", "ttl 5").replace("    loop\n", "")
    assert with_zone(edited) == edited
    assert without_zone(edited) == KUBEADM.replace("ttl 30", "ttl 5").replace("    loop\n", "")


def test_what_a_user_wrote_is_not_ours_to_take_away() -> None:
    own = KUBEADM.replace("cluster.local in-addr", "cluster.local clusterset.local in-addr").replace(
        "       pods insecure", "       multicluster clusterset.local\n       pods insecure"
    )
    assert with_zone(own) == own
    assert without_zone(own) == own


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".:53 {\n    forward . 10.0.0.1\n}\n",
        ".:53 {\n    kubernetes {\n    }\n}\n",
        ".:53 {\n    kubernetes a.local {\n    }\n}\nb.local {\n    kubernetes b.local {\n    }\n}\n",
        "cluster.local:53 {\n    kubernetes cluster.local {\n    }\n}\n",
    ],
)
def test_what_we_do_not_understand_is_left_alone(text: str) -> None:
    assert with_zone(text) is None


def test_an_old_coredns_hands_the_zone_on_by_a_block_of_its_own() -> None:
    text = with_stub(KUBEADM, "10.96.0.53")
    assert text
    assert text.startswith(KUBEADM)
    assert "\nclusterset.local:53 {\n    errors\n    forward . 10.96.0.53\n}\n" in text
    assert with_stub(text, "10.96.0.53") == text
    assert without_zone(text) == KUBEADM
    edited = text.replace("ttl 30", "ttl 5") + "example.org:53 {\n    forward . 192.0.2.1\n}\n"
    assert without_zone(edited).count("forward . 192.0.2.1") == 1
    assert "clusterset" not in without_zone(edited)


def test_from_a_block_of_its_own_to_the_plugin_and_back() -> None:
    stub, plugin = with_stub(KUBEADM, "10.96.0.53"), with_zone(KUBEADM)
    assert stub
    assert plugin
    assert with_zone(stub) == plugin
    assert with_stub(plugin, "10.96.0.53") == stub


def test_a_block_of_its_own_has_the_port_of_the_others_and_takes_nobodys_place() -> None:
    assert "clusterset.local:1053 {" in (with_stub(KUBEADM.replace(".:53", ".:1053"), "10.96.0.53") or "")
    assert "clusterset.local:53 {" in (with_stub(KUBEADM.replace(".:53", "."), "10.96.0.53") or "")
    assert with_stub("example.org:53 {\n    errors\n}\n", "10.96.0.53") is None
    assert with_stub(KUBEADM + "clusterset.local:53 {\n    forward . 192.0.2.1\n}\n", "10.96.0.53") is None
