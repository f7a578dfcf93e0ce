# Copyright (c) 2026 the clusterset.fabric authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The third-party packages of the client, imported in one place so that a missing one is one clear sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..errors import FabricError
from . import _postponed

MISSING: ImportError | None = None

if TYPE_CHECKING:
    import aiohttp
    import yaml
    import yarl

    Configuration = Any
    ConfigException = Exception
    ConfigNode = Any
    InClusterConfigLoader = Any

    class KubeConfigLoader:
        """What we use of the official loader; it has no type hints of its own."""

        provider: str | None
        token: str
        host: str
        verify_ssl: bool
        tls_server_name: str
        proxy: str
        _user: Any
        _current_context: Any
        _cluster: Any

        def __init__(self, config_dict: Any, active_context: str | None = None) -> None: ...
        async def _load_authentication(self) -> None: ...
        async def load_and_set(self, client_configuration: Any) -> None: ...

else:
    try:
        with _postponed.imports():
            import aiohttp
            import yaml
            import yarl
            from kubernetes.aio.client.configuration import Configuration
            from kubernetes.aio.config import ConfigException
            from kubernetes.aio.config.incluster_config import InClusterConfigLoader
            from kubernetes.aio.config.kube_config import ConfigNode, KubeConfigLoader
    except ImportError as error:  # reported by require(), when something is really asked of it
        MISSING = error
        aiohttp = yaml = yarl = Configuration = ConfigNode = InClusterConfigLoader = None
        KubeConfigLoader = object
        ConfigException = Exception

__all__ = [
    "ConfigException",
    "ConfigNode",
    "Configuration",
    "InClusterConfigLoader",
    "KubeConfigLoader",
    "aiohttp",
    "require",
    "yaml",
    "yarl",
]


def require() -> None:
    """Refuse to go on without the packages.

    :raises FabricError: names the missing package and how to get it.
    """
    if MISSING is not None:
        raise FabricError(
            f"A Python package is missing on the control host: {MISSING}.",
            fix="pip install 'kubernetes>=37' aiohttp PyYAML for the Python that runs Ansible.",
        ) from MISSING
