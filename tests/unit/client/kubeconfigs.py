"""Kubeconfigs with each kind of credential, for a cluster of the stub."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import yaml

from ansible_collections.clusterset.fabric.plugins.module_utils.client.types import ClusterRef
from tests.benchmark.stub.server import Stub


def encoded(pem: bytes) -> str:
    return base64.b64encode(pem).decode()


def ref(stub: Stub, user: dict[str, Any], name: str = "east", **cluster: Any) -> ClusterRef:
    """Write a kubeconfig of one context; ``cluster`` adds to, or replaces, parts of its cluster section."""
    section = {
        "server": f"https://127.0.0.1:{stub[name].port}",
        "certificate-authority-data": encoded(stub.authority.pem),
        **{key.replace("_", "-"): value for key, value in cluster.items()},
    }
    content = {
        "current-context": "only",
        "clusters": [{"name": "c", "cluster": {k: v for k, v in section.items() if v is not None}}],
        "users": [{"name": "u", "user": user}],
        "contexts": [{"name": "only", "context": {"cluster": "c", "user": "u"}}],
    }
    path = Path(stub.folder) / "config.yaml"
    path.write_text(yaml.safe_dump(content))
    return ClusterRef(name, str(path))
