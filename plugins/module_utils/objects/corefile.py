# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""CoreDNS's configuration with our part in it; everything else in it belongs to others and stays as it is."""

from __future__ import annotations

import re

ZONE = "clusterset.local"
MARK = "# clusterset.fabric"
_STANZA = re.compile(r"^(?P<indent>[ \t]*)kubernetes[ \t]+(?P<zones>[^{}\n#]*?)[ \t]*\{[ \t]*$", re.MULTILINE)
_STUB = re.compile(rf"^{MARK}: begin\n.*?^{MARK}: end\n", re.MULTILINE | re.DOTALL)
_EVERYTHING = re.compile(r"^\.(?::(?P<port>\d+))?[ \t]*\{", re.MULTILINE)
_UNCACHED = re.compile(r"^(?P<head>[ \t]*disable[ \t]+(?:success|denial))(?P<zones>(?:[ \t]+[^\s#]+)+)", re.MULTILINE)
_OURS = re.compile(rf"^[ \t]*multicluster[ \t]+{re.escape(ZONE)}[ \t]*{MARK}[ \t]*\n", re.MULTILINE)


def with_zone(text: str) -> str | None:
    """Return the Corefile that answers for the clusterset's names, or None if we do not understand this one.

    The plugin ``kubernetes`` gets the zone, and the option that tells that it is the clusterset's. Where answers for
    the cluster's own zone are not cached, those for the clusterset's are not either: a new export is found at once.
    """
    text = _STUB.sub("", text)
    if re.search(rf"^[ \t]*multicluster[ \t].*\b{re.escape(ZONE)}\b", text, re.MULTILINE):
        return text
    found = list(_STANZA.finditer(text))
    if len(found) != 1 or not found[0]["zones"].split():
        return None
    stanza = found[0]
    if not _for_all_names(text[: stanza.start()]):
        return None
    first, *others = stanza["zones"].split()
    zones = " ".join([first, *([] if ZONE in others else [ZONE]), *others])
    line = f"{stanza['indent']}    multicluster {ZONE} {MARK}"
    made = f"{text[: stanza.start()]}{stanza['indent']}kubernetes {zones} {{\n{line}{text[stanza.end() :]}"
    return _UNCACHED.sub(lambda found: _beside(found, first), made)


def _beside(found: re.Match[str], first: str) -> str:
    """The clusterset's zone next to the cluster's own."""
    zones = found["zones"].split()
    added = [ZONE] if first in zones and ZONE not in zones else []
    return " ".join([found["head"], *zones, *added])


def with_stub(text: str, address: str) -> str | None:
    """Return the Corefile that hands the clusterset's names to the DNS server at ``address``, or None as above.

    The zone gets a server block of its own, at the port of the one for all names.
    """
    text = without_zone(text)
    everything = _EVERYTHING.search(text)
    if everything is None or re.search(rf"^{re.escape(ZONE)}\b", text, re.MULTILINE):
        return None
    block = f"{ZONE}:{everything['port'] or 53} {{\n    errors\n    forward . {address}\n}}\n"
    body = text if text.endswith("\n") else f"{text}\n"
    return f"{body}{MARK}: begin\n{block}{MARK}: end\n"


def _for_all_names(before: str) -> bool:
    """Whether the server block that begins last in the text answers for all names."""
    blocks = [line for line in before.splitlines() if line.rstrip().endswith("{") and not line[:1].isspace()]
    return bool(blocks) and any(name.split(":")[0] == "." for name in re.split(r"[\s,{]+", blocks[-1]) if name)


def without_zone(text: str) -> str:
    """Return the Corefile without our part; without our mark it is returned as it is."""
    text = _STUB.sub("", text)
    if not _OURS.search(text):
        return text
    stanza = _STANZA.search(text)
    if stanza is None:
        return text
    zones = " ".join(_others(stanza["zones"]))
    text = f"{text[: stanza.start()]}{stanza['indent']}kubernetes {zones} {{{text[stanza.end() :]}"
    text = _UNCACHED.sub(lambda found: " ".join([found["head"], *_others(found["zones"])]), text)
    return _OURS.sub("", text)


def _others(zones: str) -> list[str]:
    return [zone for zone in zones.split() if zone != ZONE]
