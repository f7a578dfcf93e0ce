"""Manifests in our own words, with only what the patches touch; and upstream's, where somebody has put them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

FLANNEL = """
kind: Namespace
apiVersion: v1
metadata: {name: kube-flannel, creationTimestamp: null}
spec:
---
apiVersion: v1
kind: ConfigMap
metadata: {name: kube-flannel-cfg, namespace: kube-flannel}
data:
  net-conf.json: '{"Network": "10.244.0.0/16", "EnableNFTables": false, "Backend": {"Type": "vxlan", "VNI": 7}}'
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: kube-flannel-ds, namespace: kube-flannel}
spec: {template: {spec: {containers: [{name: kube-flannel, image: "example.test/flannel:v0.28.9"}]}}}
status: {numberReady: 3}
"""

CALICO = """
apiVersion: v1
kind: ConfigMap
metadata: {name: calico-config, namespace: kube-system}
data: {calico_backend: bird, veth_mtu: "0"}
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: calico-node, namespace: kube-system}
spec:
  template:
    spec:
      containers:
      - name: calico-node
        image: example.test/node:v3.32.1
        env:
        - {name: CLUSTER_TYPE, value: "k8s,bgp"}
        - {name: CALICO_IPV4POOL_IPIP, value: Always}
        - {name: CALICO_IPV4POOL_VXLAN, valueFrom: {configMapKeyRef: {name: x, key: y}}}
        livenessProbe: {exec: {command: [calico-node, -felix-live, -bird-live]}}
        readinessProbe: {exec: {command: [calico-node, -felix-ready, -bird-ready]}}
"""

NATIVE = """
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: ippools.projectcalico.org}
---
apiVersion: admissionregistration.k8s.io/v1beta1
kind: MutatingAdmissionPolicy
metadata: {name: types}
---
apiVersion: admissionregistration.k8s.io/v1beta1
kind: MutatingAdmissionPolicyBinding
metadata: {name: types}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: calico-webhooks, namespace: kube-system}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: calico-webhooks, namespace: kube-system}
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: calico-webhooks}
webhooks: [{name: a, clientConfig: {caBundle: ""}}, {name: b, clientConfig: {}}]
"""

AGGREGATED = """
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: calico-apiserver, namespace: calico-apiserver}
---
apiVersion: apiregistration.k8s.io/v1
kind: APIService
metadata: {name: v3.projectcalico.org}
spec: {group: projectcalico.org, service: {name: calico-api, namespace: calico-apiserver}}
"""

OPERATOR = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: tigera-operator, namespace: tigera-operator}
---
apiVersion: operator.tigera.io/v1
kind: Installation
metadata: {name: default}
spec: {calicoNetwork: {ipPools: [{name: default-ipv4-ippool, blockSize: 26, cidr: 192.168.0.0/16}]}}
---
apiVersion: operator.tigera.io/v1
kind: APIServer
metadata: {name: default}
spec: {}
---
apiVersion: operator.tigera.io/v1
kind: Whisker
metadata: {name: default}
"""


def upstream(name: str) -> str:
    """Text of an upstream manifest out of the folder UPSTREAM_MANIFESTS; skips where it is not there."""
    folder = os.environ.get("UPSTREAM_MANIFESTS", "")
    path = Path(folder) / name
    if not folder or not path.is_file():
        pytest.skip(f"UPSTREAM_MANIFESTS names no folder with {name}")
    return path.read_text()
