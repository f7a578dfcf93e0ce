"""A UDP stream between two pods of two clusters: what is lost, the longest gap, and whose address the receiver saw."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

from tests.integration.running import RunningLab

PORT = 9100
ECHO = f"""
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)  # or a busy machine loses what the network does not
s.bind(("", {PORT}))
while True:
    data, peer = s.recvfrom(2048)
    s.sendto(data + b" " + peer[0].encode(), peer)
"""
SEND = """
import json, os, select, signal, socket, sys, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
s.connect((sys.argv[1], int(sys.argv[2])))
stopped = []
signal.signal(signal.SIGTERM, lambda *_: stopped.append(1))
sent, got, seen, last, gap, end = 0, set(), set(), None, 0.0, None
due = time.monotonic()
while end is None or time.monotonic() < end:
    now = time.monotonic()
    if stopped and end is None:
        end = now + 1.0
    if now >= due and end is None:
        try:
            s.send(b"%d" % sent)
        except OSError:
            pass
        sent, due = sent + 1, max(due + 0.01, now - 0.01)
    if select.select([s], [], [], max(0.0, min(due - time.monotonic(), 0.01)))[0]:
        try:
            number, source = s.recv(2048).split()
        except OSError:
            continue
        now = time.monotonic()
        gap = max(gap, now - (last or now))
        last = now
        got.add(int(number))
        seen.add(source.decode())
        if len(got) == 1:
            print("flowing", flush=True)
print(json.dumps({"sent": sent, "lost": sent - len(got), "gap": gap, "seen": sorted(seen)}), flush=True)
"""


def _pod(name: str, node: str, image: str, *command: str) -> dict[str, Any]:
    container = {"name": "main", "image": image, "command": ["python3", "-u", "-c", *command]}
    spec = {
        "nodeName": node,
        "containers": [container],
        "tolerations": [{"operator": "Exists"}],
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": 5,
    }
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "default"}, "spec": spec}


@dataclass
class Stream:
    """One packet each 10 ms from a pod on ``source`` to a pod on ``target`` (node names) and back, while entered.

    After the block ``lost`` is a count, ``gap`` the longest time between two answers in seconds, and ``seen`` the
    source addresses that the receiver saw; ``address`` is the sending pod's own.
    """

    lab: RunningLab
    source: str
    target: str
    sent: int = 0
    lost: int = 0
    gap: float = 0.0
    address: str = ""
    seen: list[str] = field(default_factory=list)

    def __enter__(self) -> Stream:
        self._name = f"stream-{self.source}-{self.target}"
        image = self.lab.environment()["AGENT_IMAGE"]
        self._start(self.target, _pod(self._name, self.target, image, ECHO))
        there = self._address(self.target)
        self._start(self.source, _pod(self._name, self.source, image, SEND, there, str(PORT)))
        self.address = self._address(self.source)
        self._await_line("flowing")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._kubectl(self.source, "exec", self._name, "--", "python3", "-c", "import os; os.kill(1, 15)")
                for name, value in json.loads(self._await_line("{")).items():
                    setattr(self, name, value)
        finally:
            for node in (self.source, self.target):
                self._kubectl(node, "delete", "pod", self._name, "--ignore-not-found", "--grace-period=1")

    def _kubectl(self, node: str, *words: str) -> str:
        return self.lab.kubectl(node.split("-", maxsplit=1)[0], "--namespace", "default", *words)

    def _start(self, node: str, pod: dict[str, Any]) -> None:
        self._kubectl(node, "delete", "pod", self._name, "--ignore-not-found", "--grace-period=1")
        self.lab.apply(node.split("-", maxsplit=1)[0], pod)
        self._kubectl(node, "wait", "pod", self._name, "--for=condition=Ready", "--timeout=60s")

    def _address(self, node: str) -> str:
        return self._kubectl(node, "get", "pod", self._name, "--output", "jsonpath={.status.podIP}")

    def _await_line(self, begin: str, seconds: float = 30.0) -> str:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for line in self._kubectl(self.source, "logs", self._name).splitlines():
                if line.startswith(begin):
                    return line
            time.sleep(0.3)
        raise AssertionError(f"{self._name}: no {begin!r} within {seconds:.0f} s")
