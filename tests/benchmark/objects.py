"""What the contenders apply: the same manifests for all, as a stage of ours would render them."""

from __future__ import annotations

from typing import Any

from ansible_collections.clusterset.fabric.plugins.module_utils.apply.identity import NAMESPACE, PART_OF, applyset_id

Object = dict[str, Any]
RBAC = "rbac.authorization.k8s.io"


def objects(count: int, space: str, bundle: str) -> list[Object]:
    """``count`` manifests: a namespace, an account with its rights, and ConfigMaps of eight keys."""

    def made(version: str, kind: str, name: str, **rest: Any) -> Object:
        metadata: Object = {"name": name, "labels": {PART_OF: applyset_id(bundle, NAMESPACE)}}
        if kind != "Namespace":
            metadata["namespace"] = space
        return {"apiVersion": version, "kind": kind, "metadata": metadata, **rest}

    reader = {"kind": "Role", "name": "reader", "apiGroup": RBAC}
    found = [
        made("v1", "Namespace", space),
        made("v1", "ServiceAccount", "reader"),
        made(f"{RBAC}/v1", "Role", "reader", rules=[{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]),
        made(
            f"{RBAC}/v1",
            "RoleBinding",
            "reader",
            roleRef=reader,
            subjects=[{"kind": "ServiceAccount", "name": "reader", "namespace": space}],
        ),
    ]
    for number in range(max(0, count - len(found))):
        data = {f"key-{key}": f"value {number}.{key} of some length" for key in range(8)}
        found.append(made("v1", "ConfigMap", f"config-{number:03}", data=data))
    return found[:count]
