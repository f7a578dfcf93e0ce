"""What the lab did to this machine and what runs: `.lab/state.json`."""

from __future__ import annotations

import fcntl
import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


class State:
    """A JSON mapping in a file, written as a whole after each change, safe against being killed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.RLock()
        self.data: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}

    def get(self, key: str, default: Any = None) -> Any:
        return self.data.get(key, default)

    def set(self, key: str, value: Any) -> None:
        """Stores a value; None removes it."""
        with self._lock:
            if value is None:
                self.data.pop(key, None)
            else:
                self.data[key] = value
            self._write()

    def merge(self, key: str, name: str, value: Any) -> None:
        """Stores a value under `name` in the mapping `key`; None removes it. Threads may do so at once."""
        with self._lock:
            mapping = {**self.data.get(key, {}), name: value}
            self.set(key, {k: v for k, v in mapping.items() if v is not None})

    def _write(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self.path.with_suffix(".new")
        fresh.write_text(json.dumps(self.data, indent=1, sort_keys=True) + "\n")
        os.replace(fresh, self.path)


@contextmanager
def only_one(path: Path) -> Iterator[None]:
    """Holds a lock file; fails at once if another process holds it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RuntimeError(
                f"another `up` or `down` of this lab is at work ({path} is locked); wait for it"
            ) from None
        yield
