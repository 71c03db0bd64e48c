"""Pictures that readings name, kept as evidence: one file each, named by the SHA-256 of what is in it.

They lie in one folder a site. The room is bounded and so is the time: the oldest goes first. What is gone is
gone, and its digest stays in the journal, so that a copy that somebody took can still be held against it.
"""

import asyncio
import hashlib
import os
import re
from collections import OrderedDict
from datetime import timedelta
from pathlib import Path
from threading import Lock
from typing import Final

import structlog

from kernel.clock import Clock

SHA256: Final = re.compile(r"[0-9a-f]{64}")
SITE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
"""A site's folder leads nowhere else."""

log = structlog.get_logger("snapshots")


def snapshot_path(folder: Path, site_id: str, sha256: str) -> Path | None:
    """Where a picture lies; None for a name that cannot be one."""
    if not SITE.fullmatch(site_id) or not SHA256.fullmatch(sha256):
        return None
    return folder / site_id / sha256[:2] / f"{sha256}.jpg"


class SnapshotStore:
    """The folder of an edge. Methods may be called from the event loop; files are written in threads."""

    def __init__(self, folder: Path, clock: Clock, bytes_max: int, keep_for: timedelta) -> None:
        self._folder, self._clock = folder, clock
        self._bytes_max, self._keep_for = bytes_max, keep_for
        self._lock = Lock()
        self._kept: OrderedDict[Path, tuple[float, int]] | None = None
        """By path: when it was kept, in seconds since 1970, and its size; the oldest first."""
        self._used_bytes = 0
        self._is_failing = False

    def of_site(self, site_id: str) -> "SiteSnapshots":
        """The store as a driver of that site sees it."""
        return SiteSnapshots(self, site_id)

    async def keep(self, site_id: str, picture: bytes) -> str:
        """Keep a picture; its SHA-256 once it is on disk, "" when the disk does not take it."""
        return await asyncio.to_thread(self._keep, site_id, picture)

    def _keep(self, site_id: str, picture: bytes) -> str:
        sha256 = hashlib.sha256(picture).hexdigest()
        path = snapshot_path(self._folder, site_id, sha256)
        if path is None:
            return ""
        with self._lock:
            try:
                kept = self._index()
                if path not in kept:
                    _write(path, picture)
                    at_s = self._clock.now().timestamp()
                    os.utime(path, (at_s, at_s))
                    kept[path] = at_s, len(picture)
                    self._used_bytes += len(picture)
                    self._drop(kept)
            except OSError as error:
                if not self._is_failing:
                    log.error("snapshots_not_kept", reason=str(error))
                self._is_failing = True
                return ""
        self._is_failing = False
        return sha256

    def _index(self) -> OrderedDict[Path, tuple[float, int]]:
        if self._kept is None:
            found = [
                (path.stat().st_mtime, path.stat().st_size, path) for path in self._folder.glob("*/*/*.jpg")
            ]
            self._kept = OrderedDict((path, (at_s, size)) for at_s, size, path in sorted(found))
            self._used_bytes = sum(size for _, size, _ in found)
        return self._kept

    def _drop(self, kept: OrderedDict[Path, tuple[float, int]]) -> None:
        """Remove what is too old, and then the oldest, until the rest has room; the newest always stays."""
        oldest_s = (self._clock.now() - self._keep_for).timestamp()
        while len(kept) > 1:
            path, (at_s, size) = next(iter(kept.items()))
            if at_s >= oldest_s and self._used_bytes <= self._bytes_max:
                return
            path.unlink(missing_ok=True)
            del kept[path]
            self._used_bytes -= size


class SiteSnapshots:
    """What a driver is given."""

    def __init__(self, store: SnapshotStore, site_id: str) -> None:
        self._store, self._site_id = store, site_id

    async def keep(self, picture: bytes) -> str:
        """See `SnapshotStore.keep`."""
        return await self._store.keep(self._site_id, picture)


def _write(path: Path, content: bytes) -> None:
    """Durably: a reading that names the picture may be stored next."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    beside = path.with_suffix(".part")
    with beside.open("wb") as out:
        out.write(content)
        out.flush()
        os.fsync(out.fileno())
    beside.rename(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
