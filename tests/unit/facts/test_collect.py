"""The requests: how many, which, and what a refusal says. The client is a recording one; no API is imitated."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.clusterset.fabric.plugins.module_utils.client.errors import ApiError
from ansible_collections.clusterset.fabric.plugins.module_utils.client.types import ClusterRef
from ansible_collections.clusterset.fabric.plugins.module_utils.errors import FabricError
from ansible_collections.clusterset.fabric.plugins.module_utils.facts.collect import collect, read
from tests.unit.facts.objects import daemon_set


class Recorder:
    """Answers from a dictionary of paths; an int is an error status, what is absent is empty."""

    def __init__(self, answers: dict[str, Any]) -> None:
        self.ref = ClusterRef(name="east")
        self.answers = answers
        self.paths: list[str] = []

    def _answer(self, path: str) -> Any:
        self.paths.append(path)
        answer = self.answers.get(path)
        if isinstance(answer, int):
            raise ApiError("east", answer, "reason", "text", method="GET", path=path)
        return answer

    async def try_get(self, path: str) -> Any:
        return self._answer(path)

    async def list(self, path: str, *, label_selector: str = "", metadata_only: bool = False) -> list[Any]:
        return self._answer(path) or []


CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
SETS = "/apis/apps/v1/daemonsets"


def crds(*names: str) -> list[dict[str, Any]]:
    return [{"metadata": {"name": name}} for name in names]


async def test_a_bare_cluster_costs_ten_requests() -> None:
    client = Recorder({})
    found = await collect(client)  # type: ignore[arg-type]
    assert found.cluster == "east"
    assert len(client.paths) == 10


async def test_an_api_that_is_not_served_is_empty() -> None:
    client = Recorder({"/apis/networking.k8s.io/v1/servicecidrs": 404})
    assert (await collect(client)).service_cidrs == ()  # type: ignore[arg-type]


async def test_ours_and_flannel_are_asked_for_only_where_they_are() -> None:
    flannel = daemon_set("kube-flannel-ds", namespace="kube-flannel", config_map="kube-flannel-cfg")
    ours = crds("fabrics.fabric.clusterset.io", "peers.fabric.clusterset.io")
    client = Recorder({CRDS: ours, SETS: [flannel]})
    await collect(client)  # type: ignore[arg-type]
    assert set(client.paths[10:]) == {
        "/apis/fabric.clusterset.io/v1alpha1/namespaces/clusterset-fabric/fabrics",
        "/apis/fabric.clusterset.io/v1alpha1/namespaces/clusterset-fabric/peers",
        "/api/v1/namespaces/kube-flannel/configmaps/kube-flannel-cfg",
    }


@pytest.mark.parametrize(
    ("crd", "group"),
    [
        ("ippools.projectcalico.org", "projectcalico.org/v3"),
        ("ippools.crd.projectcalico.org", "crd.projectcalico.org/v1"),
    ],
)
async def test_calico_is_read_where_it_is_stored(crd: str, group: str) -> None:
    pools = f"/apis/{group}/ippools"
    client = Recorder({CRDS: crds(crd), SETS: [daemon_set("calico-node")], pools: [{"spec": {"cidr": "10.1.0.0/16"}}]})
    raw = await read(client)  # type: ignore[arg-type]
    assert raw.calico_pools == [{"spec": {"cidr": "10.1.0.0/16"}}]
    aggregated = "/apis/apiregistration.k8s.io/v1/apiservices/v3.projectcalico.org"
    assert (aggregated in client.paths) == (group.startswith("crd."))


async def test_an_older_cluster_property() -> None:
    old = "/apis/about.k8s.io/v1alpha1/clusterproperties/cluster.clusterset.k8s.io"
    found = {"metadata": {"name": "cluster.clusterset.k8s.io"}, "spec": {"value": "e"}}
    client = Recorder({CRDS: crds("clusterproperties.about.k8s.io"), old: found})
    assert (await collect(client)).property_id == "e"  # type: ignore[arg-type]


async def test_all_refusals_are_named_at_once() -> None:
    client = Recorder(
        {SETS: 403, "/api/v1/namespaces/kube-system/configmaps": 403, "/api/v1/namespaces/kube-system": 403}
    )
    with pytest.raises(FabricError) as caught:
        await collect(client)  # type: ignore[arg-type]
    text = str(caught.value)
    assert text.startswith("east: ")
    for what in ("list daemonsets.apps", "list configmaps in kube-system", "get namespaces"):
        assert what in text
    assert "ClusterRole" in caught.value.fix


async def test_any_other_answer_is_passed_on() -> None:
    with pytest.raises(ApiError) as caught:
        await collect(Recorder({SETS: 500}))  # type: ignore[arg-type]
    assert caught.value.status == 500
