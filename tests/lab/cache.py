"""A store of built things, each under a digest of all that it is made from."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


def digest(*parts: object) -> str:
    """Hex digest (16 characters) of the parts in order; a `Path` stands for the content of that file or folder."""
    total = hashlib.sha256()
    for part in parts:
        for piece in _pieces(part):
            total.update(len(piece).to_bytes(8, "big") + piece)
    return total.hexdigest()[:16]


def _pieces(part: object) -> Iterator[bytes]:
    if isinstance(part, bytes):
        yield part
    elif not isinstance(part, Path):
        yield repr(part).encode()
    elif part.is_dir():
        for path in sorted(p for p in part.rglob("*") if p.is_file() and "__pycache__" not in p.parts):
            yield str(path.relative_to(part)).encode()
            yield from _pieces(path)
    else:
        yield b"x" if os.access(part, os.X_OK) else b"-"
        with part.open("rb") as file:
            yield hashlib.file_digest(file, "sha256").digest()


class Cache:
    """Built things in the folder `root`, named `<name>-<digest>`. Several processes may use it at once."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, name: str, key: str) -> Path:
        return self.root / f"{name}-{key}"

    def get(self, name: str, key: str, build: Callable[[Path], None]) -> Path:
        """The path of a built thing. Unless the cache has it, `build` is called with the path that it must create."""
        final = self.path(name, key)
        if final.exists():
            return final
        self.root.mkdir(parents=True, exist_ok=True)
        with self._lock(name):
            if not final.exists():
                self._build(final, build)
        return final

    def keep_newest(self, prefix: str, count: int) -> None:
        """Removes all but the newest `count` files whose names begin with `prefix`."""
        found = sorted(self.root.glob(f"{prefix}*"), key=lambda path: path.stat().st_mtime, reverse=True)
        for path in found[count:]:
            path.unlink(missing_ok=True)

    def _build(self, final: Path, build: Callable[[Path], None]) -> None:
        # A rename is all or nothing: a killed build leaves no half of a thing under its final name.
        scratch = Path(tempfile.mkdtemp(prefix=".building-", dir=self.root))
        try:
            build(scratch / "it")
            os.rename(scratch / "it", final)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)

    @contextmanager
    def _lock(self, name: str) -> Iterator[None]:
        with (self.root / f".lock-{name}").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield
