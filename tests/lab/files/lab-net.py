"""The lab's own network plugin: ptp and host-local on each node, a route to every other node, masquerading to the rest.

Runs on every node, from the API alone, again and again: a node that restarts has it all back in seconds.
"""

from __future__ import annotations

import contextlib
import ipaddress
import json
import os
import ssl
import subprocess
import time
import urllib.request
from typing import Any

ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount/"
CONFIG = "/etc/cni/net.d/10-lab-net.conflist"
NODE = os.environ["NODE"]
POD_RANGE = os.environ["POD_RANGE"]
API = os.environ["API"]
INTERVAL = 3  # seconds


def nodes() -> list[dict[str, Any]]:
    with open(ACCOUNT + "token") as file:
        headers = {"Authorization": "Bearer " + file.read().strip()}
    request = urllib.request.Request(API + "/api/v1/nodes", headers=headers)
    context = ssl.create_default_context(cafile=ACCOUNT + "ca.crt")
    with urllib.request.urlopen(request, context=context, timeout=10) as answer:
        items: list[dict[str, Any]] = json.load(answer)["items"]
        return items


def address(node: dict[str, Any]) -> str:
    return next(str(a["address"]) for a in node["status"]["addresses"] if a["type"] == "InternalIP")


def run(*command: str, text: str | None = None) -> None:
    subprocess.run(command, input=text, text=True, check=True)


def write_config(pods: str) -> None:
    document = {
        "cniVersion": "1.0.0",
        "name": "lab-net",
        "plugins": [
            {
                "type": "ptp",
                "mtu": 1500,
                "ipam": {
                    "type": "host-local",
                    "dataDir": "/run/cni-ipam",
                    "ranges": [[{"subnet": pods}]],
                    "routes": [{"dst": "0.0.0.0/0"}],
                },
            },
            {"type": "portmap", "capabilities": {"portMappings": True}},
        ],
    }
    text = json.dumps(document, indent=1)
    with contextlib.suppress(OSError), open(CONFIG) as file:
        if file.read() == text:
            return
    with open(CONFIG + ".new", "w") as file:
        file.write(text)
    os.rename(CONFIG + ".new", CONFIG)


def masquerade() -> None:
    rule = f"ip saddr {POD_RANGE} ip daddr != {POD_RANGE} fib daddr type != local masquerade"
    chain = "type nat hook postrouting priority srcnat; policy accept;"
    run(
        "nft",
        "-f",
        "-",
        text=f"table ip lab-net {{ chain out {{ {chain} }}; }}\nflush table ip lab-net\n"
        f"table ip lab-net {{ chain out {{ {rule}; }}; }}\n",
    )


def main() -> None:
    ready = False
    while True:
        try:
            for node in nodes():
                pods = node["spec"].get("podCIDR")
                if not pods:
                    continue
                if node["metadata"]["name"] == NODE:
                    write_config(str(ipaddress.ip_network(pods)))
                else:
                    run("ip", "route", "replace", pods, "via", address(node))
            if not ready:
                masquerade()
                ready = True
                print("lab-net: set up", flush=True)
        except (OSError, subprocess.CalledProcessError, StopIteration) as error:
            print(f"lab-net: {error!r}, trying again", flush=True)
        time.sleep(INTERVAL)


main()
