"""The floor: one TLS socket for each cluster, one PATCH after the other, hardly a look at the answers.

`python floor.py FOLDER` sends everything; with `--idle` it only reads what it would send. No client can be cheaper in
Python, and none should be: it checks nothing.
"""

from __future__ import annotations

import json
import socket
import ssl
import sys
from base64 import b64decode
from pathlib import Path

PLURALS = {
    "Namespace": "/api/v1/namespaces",
    "ConfigMap": "/api/v1/namespaces/{}/configmaps",
    "ServiceAccount": "/api/v1/namespaces/{}/serviceaccounts",
    "Role": "/apis/rbac.authorization.k8s.io/v1/namespaces/{}/roles",
    "RoleBinding": "/apis/rbac.authorization.k8s.io/v1/namespaces/{}/rolebindings",
}


def request(obj: dict[str, dict[str, str]], host: str) -> bytes:
    body = json.dumps(obj, separators=(",", ":")).encode()
    path = PLURALS[str(obj["kind"])].format(obj["metadata"].get("namespace", ""))
    head = (
        f"PATCH {path}/{obj['metadata']['name']}?fieldManager=clusterset.fabric&force=true HTTP/1.1\r\n"
        f"Host: {host}\r\nAuthorization: Bearer stub-token\r\nContent-Type: application/apply-patch+yaml\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def answer(connection: ssl.SSLSocket) -> None:
    data = b""
    while b"\r\n\r\n" not in data:
        data += connection.recv(65536)
    head, _gap, rest = data.partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 20"):
        raise SystemExit(head.decode())
    length = int(head.partition(b"Content-Length: ")[2].partition(b"\r\n")[0])
    while len(rest) < length:
        rest += connection.recv(65536)


def main(folder: Path, idle: bool) -> None:
    bundles = json.loads((folder / "bundles.json").read_text())
    clusters = json.loads((folder / "kubeconfig").read_text())["clusters"]
    context = None
    for cluster in clusters:
        server = cluster["cluster"]["server"].removeprefix("https://")
        host, port = server.split(":")
        if context is None:  # all clusters of the stub share one authority
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.load_verify_locations(cadata=b64decode(cluster["cluster"]["certificate-authority-data"]).decode())
        if idle:
            continue
        with context.wrap_socket(socket.create_connection((host, int(port))), server_hostname=host) as connection:
            for obj in bundles[cluster["name"]]:
                connection.sendall(request(obj, server))
                answer(connection)


main(Path(sys.argv[1]), "--idle" in sys.argv)
