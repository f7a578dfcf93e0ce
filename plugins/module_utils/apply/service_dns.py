# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The cluster's CoreDNS answers for the clusterset, by its configuration.

With the option but without the rights, or without the definitions, CoreDNS answers for nothing at all: so they come
before it, and go after it. One that is too old for the option hands the names to a CoreDNS of our own.
"""

from __future__ import annotations

from ..client.client import MERGE, Client
from ..client.errors import ApiError
from ..client.types import Object
from ..errors import FabricError
from ..objects import corefile
from ..objects.dns import STUB
from ..plan.services import STUB as BY_STUB
from ..plan.types import ServicesPlan
from .identity import NAMESPACE
from .types import Options, Progress, Result

_SYSTEM = "/api/v1/namespaces/kube-system/configmaps/coredns"
_TITLE = "ConfigMap kube-system/coredns"
_STRANGE = {
    False: "the Corefile has no plain `kubernetes` stanza; add `multicluster clusterset.local` to it by hand",
    True: "the Corefile has no block for all names, or one for clusterset.local already",
}


async def answer(client: Client, services: ServicesPlan, options: Options, progress: Progress) -> Result:
    """Let CoreDNS answer for the clusterset's names; a configuration that we do not understand is not touched."""
    stub = services.dns == BY_STUB
    found = await client.try_get(_SYSTEM)
    text = ((found or {}).get("data") or {}).get("Corefile", "")
    wanted = corefile.with_stub(text, await _stub_address(client)) if stub else corefile.with_zone(text)
    if found is None or wanted is None:
        progress(client.ref.name, f"nothing was changed in its DNS: {_STRANGE[stub]}")
        return Result()
    return await _write(client, found, text, wanted, options, progress)


async def _stub_address(client: Client) -> str:
    """Where our own CoreDNS is reached; in check mode it may not be there yet."""
    service = await client.try_get(f"/api/v1/namespaces/{NAMESPACE}/services/{STUB}")
    return str((service or {"spec": {}})["spec"].get("clusterIP") or "an address that is not known yet")


async def forget(client: Client, options: Options, progress: Progress) -> Result:
    """Take our part out of CoreDNS's configuration, if it is there."""
    found = await client.try_get(_SYSTEM)
    text = ((found or {}).get("data") or {}).get("Corefile", "")
    wanted = corefile.without_zone(text)
    if found is None or wanted == text:
        return Result()
    return await _write(client, found, text, wanted, options, progress)


async def _write(client: Client, found: Object, text: str, wanted: str, options: Options, progress: Progress) -> Result:
    """Replace the Corefile, unless somebody has changed it since we read it. CoreDNS reads it again by itself."""
    if wanted == text:
        return Result()
    if not options.check:
        version = found["metadata"]["resourceVersion"]
        body = {"metadata": {"resourceVersion": version}, "data": {"Corefile": wanted}}
        try:
            await client.request("PATCH", _SYSTEM, body=body, content_type=MERGE)
        except ApiError as error:
            if error.status == 409:
                raise FabricError(
                    f"{_TITLE} was changed by somebody else at the same moment",
                    cluster=client.ref.name,
                    fix="run again",
                ) from error
            raise
        progress(client.ref.name, "CoreDNS reads its new configuration within a minute or two")
    return Result(changed=True, updated=(_TITLE,))
