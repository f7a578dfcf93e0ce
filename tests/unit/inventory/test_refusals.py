"""Every wrong inventory file is refused with one message that names the file, the entry and the fix."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from tests.unit.inventory.samples import complaints, kubeconfig, secrets

KUBE = {"kubeconfig": "kubeconfig"}
JWT = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJrdWJlcm5ldGVzIn0.c2lnbmF0dXJl"


def file(*sources: Any, **options: Any) -> dict[str, Any]:
    """An inventory file of these sources."""
    return {"plugin": "clusterset.fabric.clusters", "sources": list(sources), **options}


def written(**variables: Any) -> dict[str, Any]:
    """An inventory file with one cluster written out."""
    return file({"clusters": {"lisbon": variables}})


# name -> (file, what the message must hold)
WRONG: dict[str, tuple[Any, list[str]]] = {
    "option": (file(KUBE, varaibles={}), ["unknown option 'varaibles'", "Did you mean 'variables'"]),
    "no-sources": (file(), ["sources: expected a list", "Fix: write sources"]),
    "sources-mapping": (file() | {"sources": KUBE}, ["sources: expected a list, found a mapping"]),
    "source-kind": (file({"kubconfig": "x"}), ["sources[0]: is no known kind", "Did you mean 'kubeconfig'"]),
    "source-option": (file(KUBE | {"context": ["prod"]}), ["sources[0]: unknown option 'context'", "'contexts'"]),
    "source-text": (file(KUBE, "kind"), ["sources[1]: expected a mapping, found a string"]),
    "no-file": (file({"kubeconfig": "absent"}), ["sources[0].kubeconfig: no such kubeconfig", "absent", "Fix:"]),
    "no-variable": (file({"kubeconfig": "$ABSENT/x"}), ["the environment variable of '$ABSENT/x' is not set"]),
    "not-yaml": (file({"kubeconfig": "broken"}), ["broken is not YAML: line 3"]),
    "not-kubeconfig": (file({"kubeconfig": "list"}), ["list is not a kubeconfig"]),
    "inline": (file({"kubeconfig": kubeconfig("a")}), ["holds a kubeconfig itself", "write a path"]),
    "context": (
        file(KUBE | {"contexts": ["prod", "kind-eats"]}),
        [
            "sources[0].contexts[1]: 'kind-eats' matches no context. Did you mean 'kind-east'?",
            "the file has: kind-east, kind-west, prod",
        ],
    ),
    "pattern": (file(KUBE | {"contexts": ["dev-*"]}), ["'dev-*' matches no context", "kind-east, kind-west, prod"]),
    "names": (file(KUBE | {"names": {"prd": "x"}}), ["sources[0].names: no context 'prd'. Did you mean 'prod'?"]),
    "host-name": (file({"kubeconfig": "arn"}), ["cannot be a host name", "names: {context: name}"]),
    "twice": (file(KUBE, {"clusters": {"prod": {}}}), ["two clusters are named 'prod'", "sources[0]", "Fix:"]),
    "renamed-to-one": (
        file(KUBE | {"names": {"kind-east": "x", "kind-west": "x"}}),
        ["two clusters are named 'x'"],
    ),
    "cluster-id": (written(fabric_cluster_id="Lisbon_1"), ["'Lisbon_1', the cluster id of host lisbon", "RFC 1123"]),
    "one-id": (
        file(KUBE, variables={"kind-*": {"fabric_cluster_id": "same"}}),
        ["kind-east and kind-west have one cluster id, 'same'"],
    ),
    "variables": (
        file(KUBE, variables={"prud": {"a": 1}}),
        ["variables.prud: matches no cluster. Did you mean 'prod'?", "there are: kind-east, kind-west, prod"],
    ),
    "variable-name": (file(KUBE, variables={"prod": {"zone/a": 1}}), ["'zone/a' is no variable name", "fabric_labels"]),
    "variables-list": (file(KUBE, variables={"prod": ["a"]}), ["variables.prod: expected a mapping, found a list"]),
    "label": (written(fabric_labels={"a": ["b"]}), ["fabric_labels.a: is not one value"]),
    "own-file": (written(fabric_kubeconfig="gone"), ["fabric_kubeconfig of lisbon", "no such kubeconfig", "gone"]),
    "own-context": (
        written(fabric_kubeconfig="kubeconfig", fabric_context="porto"),
        ["sources[0].clusters.lisbon", "no context 'porto'", "the file has: kind-east, kind-west, prod"],
    ),
    "no-kind": (file({"kind": True, "kubeconfig": "arn"}), ["sources[0]: no kind cluster in"]),
    "kind-name": (file({"kind": ["eats"], **KUBE}), ["'eats' matches no kind cluster. Did you mean 'east'?"]),
    "kind-type": (file({"kind": 1, **KUBE}), ["sources[0].kind: expected true or a list of names, found a number"]),
    "jmespath": (file(KUBE, cluster_groups={"a": "labels."}), ["cluster_groups.a: is no JMESPath"]),
    "jmespath-type": (file(KUBE, cluster_groups={"a": "contains(labels.a, 'x')"}), ["cluster_groups.a: fails for"]),
    "jmespath-value": (file(KUBE, cluster_groups={"a": "vars"}), ["cluster_groups.a: gives a mapping for kind-east"]),
    "group-is-host": (file(KUBE, cluster_groups={"prod": "`true`"}), ["'prod' is a host or a group already"]),
    "group-name": (file(KUBE, cluster_groups={"a-b": "`true`"}), ["'a-b' is no group name"]),
    "token": (written(fabric_token="5ecret-token"), ["lisbon.fabric_token: is named like a secret", "Fix: refer"]),
    "deep": (written(access={"login": [{"password": "5ecret-password"}]}), ["access.login[0].password"]),
    "jwt": (written(note=f"use {JWT}"), ["clusters.lisbon.note: holds a JSON web token"]),
    "pem": (written(note="-----BEGIN EC PRIVATE KEY-----\nx"), ["holds a private key"]),
    "kubeconfig-text": (written(note=yaml.safe_dump(kubeconfig("a"))), ["clusters.lisbon.note: holds"]),
    "kubeconfig-data": (written(fabric_kubeconfig=kubeconfig("a")), ["holds a kubeconfig itself; it must be a path"]),
    "kubeconfig-other": (written(connection=kubeconfig("a")), ["clusters.lisbon.connection: holds a kubeconfig"]),
    "compose": (
        file(KUBE, compose={"shown": "'sha256~' ~ 'x' * 40"}),
        ["compose.shown: holds an OpenShift token"],
    ),
    "compose-name": (file(KUBE, compose={"api_key": "'abc'"}), ["compose.api_key: is named like a secret"]),
    "vault": (
        "plugin: clusterset.fabric.clusters\nsources: [{clusters: {lisbon: {note: !vault '$ANSIBLE_VAULT;1.1;AES256\n\n"
        "  61'}}}]\n",
        ["clusters.lisbon.note: is vault-encrypted"],
    ),
    "no-access": (file({"cluster_profiles": dict(KUBE)}), ["sources[0].cluster_profiles.access: says of no access"]),
    "hub-context": (
        file({"cluster_profiles": KUBE | {"context": "hub", "access": {"*": KUBE}}}),
        ["cluster_profiles.context: no context 'hub'", "kind-east, kind-west, prod"],
    ),
    "both-ways": (
        file({"cluster_profiles": KUBE | {"access": {"*": KUBE | {"exec": {"command": "x"}}}}}),
        ["cluster_profiles.access.*: needs either kubeconfig (and context) or exec"],
    ),
    "exec-secret": (
        file(
            {
                "cluster_profiles": KUBE
                | {
                    "access": {
                        "sso": {"exec": {"command": "x", "env": [{"name": "SSO_TOKEN", "value": "5ecret-exec"}]}}
                    }
                }
            }
        ),
        ["access.sso.exec.env[0].SSO_TOKEN: is named like a secret"],
    ),
    "hub-down": (
        file({"cluster_profiles": KUBE | {"context": "prod", "deadline": 2, "access": {"*": KUBE}}}),
        ["sources[0].cluster_profiles: cannot list the hub's ClusterProfiles"],
    ),
}


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What the plugin says of each wrong file."""
    home = tmp_path_factory.mktemp("refusals")
    for name, data in {
        "kubeconfig": kubeconfig("kind-east", "kind-west", "prod"),
        "arn": kubeconfig("arn:aws:eks:eu-west-1:1:cluster/prod"),
        "list": ["a"],
    }.items():
        (home / name).write_text(yaml.safe_dump(data))
    (home / "broken").write_text("users:\n- {token: '5ecret-token\n")
    return complaints(home, {f"{name}.clusters.yml": data for name, (data, _told) in WRONG.items()})


@pytest.mark.parametrize("name", WRONG)
def test_refused(said: dict[str, str], name: str) -> None:
    message = said[f"{name}.clusters.yml"]
    assert message.startswith(f"{name}.clusters.yml: "), message
    for part in WRONG[name][1]:
        assert part in message


def test_no_message_holds_a_secret(said: dict[str, str]) -> None:
    everything = "\n".join(said.values())
    for secret in [*secrets(), JWT]:
        assert secret not in everything
