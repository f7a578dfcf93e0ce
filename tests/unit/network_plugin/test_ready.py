"""When a plugin works, and what is said until then."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.clusterset.fabric.plugins.module_utils.client.types import ClusterRef
from ansible_collections.clusterset.fabric.plugins.module_utils.errors import FabricError
from ansible_collections.clusterset.fabric.plugins.module_utils.objects.network_plugin import ready

OPERATOR = [{"apiVersion": "operator.tigera.io/v1", "kind": "Installation", "metadata": {"name": "default"}}]
AGGREGATED = [
    {"apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService", "metadata": {"name": "v3.projectcalico.org"}}
]


def item(name: str, kind: str, status: str, message: str = "") -> dict[str, Any]:
    condition = {"type": kind, "status": status, "message": message}
    return {"metadata": {"name": name}, "status": {"conditions": [condition]}}


class Answers:
    """A client that answers from lists; every look takes the next one, the last one for ever."""

    def __init__(self, *nodes: list[dict[str, Any]], found: dict[str, Any] | None = None) -> None:
        self.ref = ClusterRef(name="east")
        self.looks = list(nodes)
        self.found = found

    async def list(self, path: str) -> list[dict[str, Any]]:
        assert path == "/api/v1/nodes"
        return self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]

    async def try_get(self, path: str) -> dict[str, Any] | None:
        return self.found


READY = [item("a", "Ready", "True")]
WAITING = [item("a", "Ready", "True"), item("b", "Ready", "False", "cni plugin not initialized")]


def test_the_nodes_that_are_missing_are_named_with_the_reason() -> None:
    assert ready.nodes_ready_condition(READY) == ""
    assert ready.nodes_ready_condition(WAITING) == "nodes not Ready: b (cni plugin not initialized)"
    assert "b (its kubelet has not answered yet)" in ready.nodes_ready_condition([{"metadata": {"name": "b"}}])


@pytest.mark.parametrize(
    ("objects", "found", "missing"),
    [
        ([], None, []),
        (OPERATOR, None, ["Calico's operator is not Available: no status yet"]),
        (OPERATOR, item("calico", "Available", "False", "pulling"), ["Calico's operator is not Available: pulling"]),
        (OPERATOR, item("calico", "Available", "True"), []),
        (AGGREGATED, None, ["Calico's API server is not Available: no status yet"]),
        (AGGREGATED, item("v3.projectcalico.org", "Available", "True"), []),
    ],
)
async def test_what_else_must_be_there(objects: list[Any], found: dict[str, Any] | None, missing: list[str]) -> None:
    assert await ready.unmet(Answers(READY, found=found), objects) == missing  # type: ignore[arg-type]


async def test_waiting_ends_when_all_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ready, "PAUSE", 0.0)
    said: list[str] = []
    client = Answers(WAITING, WAITING, READY)
    await ready.wait_until_works(client, [], seconds=5, progress=said.append)  # type: ignore[arg-type]
    assert said == ["nodes not Ready: b (cni plugin not initialized)"]


async def test_waiting_ends_with_what_is_missing() -> None:
    with pytest.raises(FabricError, match="b \\(cni plugin not initialized\\)") as caught:
        await ready.wait_until_works(Answers(WAITING), [], seconds=0)  # type: ignore[arg-type]
    assert caught.value.cluster == "east"
