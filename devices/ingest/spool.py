"""The edge's own disk: what devices sent while the database was away, in order, durably.

SQLite in WAL mode with `synchronous=FULL`: an append has reached the disk before it is acknowledged. The
capacity is stated; when it is full the spool refuses (`spool.full`) and whoever sends keeps its readings.
Nothing in it is ever dropped.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import msgspec

from devices.ingest.model import Received
from kernel.errors import Unavailable
from kernel.messages import Rejected

FULL_RETRY_S = 5
ROW_OVERHEAD_BYTES = 128
"""What SQLite adds to a row: header, key, page slack. Counted so that the capacity is kept on disk."""

Item = Received | Rejected
Result = TypeVar("Result")

_MAKE = """
    CREATE TABLE IF NOT EXISTS entry (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        site_id TEXT NOT NULL,
        kind TEXT NOT NULL,
        body BLOB NOT NULL
    )"""
_APPEND = "INSERT INTO entry (site_id, kind, body) VALUES (?, ?, ?)"
_OLDEST = "SELECT number, site_id, kind, body FROM entry ORDER BY number LIMIT ?"
_REMOVE = "DELETE FROM entry WHERE number <= ?"
_SIZE = "SELECT count(*), coalesce(sum(length(body)), 0) FROM entry WHERE number <= ?"
_EVERYTHING = 2**63 - 1

_received = msgspec.json.Decoder(Received)
_rejected = msgspec.json.Decoder(Rejected)


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A spooled item; `number` grows with each."""

    number: int
    site_id: str
    item: Item


class Spool:
    """One file, used by one edge. All methods may be called from the event loop; SQLite runs in a thread."""

    def __init__(self, path: Path, capacity_bytes: int) -> None:
        if capacity_bytes < 1:
            raise ValueError("capacity_bytes must be positive")
        self._path = path
        self._capacity_bytes = capacity_bytes
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="spool")
        self._file: sqlite3.Connection | None = None
        self.entry_count = 0
        self.used_bytes = 0

    @property
    def is_empty(self) -> bool:
        return self.entry_count == 0

    async def open(self) -> None:
        """Open the file, made when it is not there; what an earlier run left is counted."""
        await self._in_thread(self._open)

    async def close(self) -> None:
        """Close the file; it may be opened again."""
        await self._in_thread(self._close)

    async def append(self, batch: Sequence[tuple[str, Item]]) -> None:
        """Keep `(site_id, item)` pairs, all or none. Raises Unavailable `spool.full` beyond the capacity."""
        rows = [(site_id, _kind(item), msgspec.json.encode(item)) for site_id, item in batch]
        added = sum(len(body) + ROW_OVERHEAD_BYTES for _, _, body in rows)
        if self.used_bytes + added > self._capacity_bytes:
            raise Unavailable("spool.full", capacity_bytes=self._capacity_bytes, retry_after_s=FULL_RETRY_S)
        await self._in_thread(lambda: self._write(lambda file: file.executemany(_APPEND, rows)))
        self.entry_count += len(rows)
        self.used_bytes += added

    async def oldest(self, limit: int) -> list[Entry]:
        """The first entries, which stay until `remove_through`."""
        rows = await self._in_thread(lambda: self._open_file().execute(_OLDEST, (limit,)).fetchall())
        return [
            Entry(number=number, site_id=site_id, item=_item(kind, body))
            for number, site_id, kind, body in rows
        ]

    async def remove_through(self, number: int) -> None:
        """Forget everything up to and including `number`: it is in the journal."""

        def remove() -> tuple[int, int]:
            gone = self._size(number)
            self._write(lambda file: file.execute(_REMOVE, (number,)))
            return gone

        count, size = await self._in_thread(remove)
        self.entry_count -= count
        self.used_bytes -= size

    # --- in the thread -----------------------------------------------------------------------------

    async def _in_thread(self, work: Callable[[], Result]) -> Result:
        # Shielded: a cancelled caller must not leave the thread between a write and its count.
        loop = asyncio.get_running_loop()
        return await asyncio.shield(loop.run_in_executor(self._thread, work))

    def _open(self) -> None:
        self._close()
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._file = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False)
        self._file.execute("PRAGMA journal_mode=WAL")
        self._file.execute("PRAGMA synchronous=FULL")
        self._file.execute(_MAKE)
        self.entry_count, self.used_bytes = self._size(_EVERYTHING)

    def _close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def _open_file(self) -> sqlite3.Connection:
        assert self._file is not None, "open the spool first"
        return self._file

    def _write(self, work: Callable[[sqlite3.Connection], object]) -> None:
        file = self._open_file()
        file.execute("BEGIN IMMEDIATE")
        try:
            work(file)
        except BaseException:
            file.execute("ROLLBACK")
            raise
        file.execute("COMMIT")

    def _size(self, through: int) -> tuple[int, int]:
        """How many entries up to and including a number, and the bytes they count for."""
        count, body_bytes = self._open_file().execute(_SIZE, (through,)).fetchone()
        return count, body_bytes + count * ROW_OVERHEAD_BYTES


def _kind(item: Item) -> str:
    return "rejected" if isinstance(item, Rejected) else "received"


def _item(kind: str, body: bytes) -> Item:
    return _rejected.decode(body) if kind == "rejected" else _received.decode(body)
