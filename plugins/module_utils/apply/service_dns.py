# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The cluster's CoreDNS answers for the clusterset, by its configuration.

With the option but without the rights, or without the definitions, CoreDNS answers for nothing at all: so they come
before it, and go after it.
"""

from __future__ import annotations

from ..client.client import MERGE, Client
from ..client.errors import ApiError
from ..client.types import Object
from ..errors import FabricError
from ..objects import corefile
from .types import Options, Progress, Result

_SYSTEM = "/api/v1/namespaces/kube-system/configmaps/coredns"
_TITLE = "ConfigMap kube-system/coredns"


async def answer(client: Client, options: Options, progress: Progress) -> Result:
    """Let CoreDNS answer for the clusterset's names; a configuration that we do not understand is not touched."""
    found = await client.try_get(_SYSTEM)
    text = ((found or {}).get("data") or {}).get("Corefile", "")
    wanted = corefile.with_zone(text)
    if found is None or wanted is None:
        progress(
            client.ref.name,
            "nothing was changed in its DNS: the Corefile has no plain `kubernetes` stanza; add"
            " `multicluster clusterset.local` to it by hand",
        )
        return Result()
    return await _write(client, found, text, wanted, options, progress)


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
