"""Kubeconfigs with secrets of every kind, and the environment in which the tests run Ansible."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[3]
COLLECTIONS = ROOT / ".build" / "collections"

# One of each kind of credential that a kubeconfig can hold; none may ever be seen anywhere.
SECRETS = {
    "token": "5ecret-token",
    "password": "5ecret-password",
    "client-key-data": "NWVjcmV0LWtleQ==",
    "client-certificate-data": "NWVjcmV0LWNlcnQ=",
    "auth-provider": {"name": "oidc", "config": {"refresh-token": "5ecret-refresh", "id-token": "5ecret-id"}},
    "exec": {"command": "login", "env": [{"name": "LOGIN_SECRET", "value": "5ecret-exec"}]},
}


def kubeconfig(*names: str) -> dict[str, Any]:
    """A kubeconfig as kind writes it: context, cluster and user of each name, with a secret of every kind."""
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": names[0],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}} for name in names],
        "clusters": [{"name": name, "cluster": {"server": "https://127.0.0.1:1"}} for name in names],
        "users": [{"name": name, "user": SECRETS} for name in names],
    }


def secrets(value: Any = None) -> list[str]:
    """Every secret text of the kubeconfigs above."""
    value = SECRETS if value is None else value
    if isinstance(value, dict):
        return [text for item in value.values() for text in secrets(item)]
    if isinstance(value, list):
        return [text for item in value for text in secrets(item)]
    return [value] if "5ecret" in value or value.startswith("NWV") else []


def environment(home: Path) -> dict[str, str]:
    """An environment in which only this collection is found and nothing of the user's own is read."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("ANSIBLE_", "KUBE"))}
    return kept | {
        "HOME": str(home),
        "ANSIBLE_HOME": str(home / ".ansible"),
        "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS),
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "1",
        "PYTHONPATH": str(COLLECTIONS),
    }


def ansible(home: Path, command: str, *args: str | Path, **env: str) -> subprocess.CompletedProcess[str]:
    """Run a real command of ansible-core in ``home``, for example ``ansible(home, "inventory", "--list")``."""
    words = [sys.executable, "-m", "ansible", command, *map(str, args)]
    return subprocess.run(
        words, env=environment(home) | env, cwd=home, capture_output=True, text=True, timeout=120, check=False
    )


def complaints(home: Path, files: dict[str, Any], **env: str) -> dict[str, str]:
    """What the plugin says of each file, by file name, all in one process of Ansible; empty where it accepts it."""
    for name, data in files.items():
        (home / name).write_text(data if isinstance(data, str) else yaml.safe_dump(data, sort_keys=False))
    script = Path(__file__).with_name("parse_all.py")
    run = subprocess.run(
        [sys.executable, str(script), *files],
        env=environment(home) | env,
        cwd=home,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    said: dict[str, str] = json.loads(run.stdout)
    return said
