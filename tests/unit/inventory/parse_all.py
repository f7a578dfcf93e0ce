"""Parse each file of the command line with the real plugin and print {path: error}; one process for many files."""

from __future__ import annotations

import json
import os
import sys

from ansible.errors import AnsibleError
from ansible.inventory.data import InventoryData
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import init_plugin_loader, inventory_loader

init_plugin_loader([os.environ["ANSIBLE_COLLECTIONS_PATH"]])
said = {}
for path in sys.argv[1:]:
    plugin = inventory_loader.get("clusterset.fabric.clusters")
    try:
        plugin.parse(InventoryData(), DataLoader(), path)
        said[path] = ""
    except AnsibleError as error:
        said[path] = str(error)
print(json.dumps(said))
