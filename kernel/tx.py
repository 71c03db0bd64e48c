"""The port through which handlers and views reach the database. `app/database.py` implements it.

SQL takes named parameters, `%(name)s`. Rows come back as dictionaries. A handler gets a `Tx`, a view a
`Reading`; nobody but `app` opens or commits one.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from kernel.caller import Caller
from kernel.ids import Ids
from kernel.messages import Event

Row = dict[str, Any]


class ReadTx(Protocol):
    """Read-only, as `tallyhouse_read`: row-level security shows what the caller's party may see."""

    @property
    def now(self) -> datetime: ...
    @property
    def caller(self) -> Caller: ...
    async def rows(self, sql: str, params: Mapping[str, Any] | None = None) -> list[Row]: ...
    async def row(self, sql: str, params: Mapping[str, Any] | None = None) -> Row | None: ...
    async def value(self, sql: str, params: Mapping[str, Any] | None = None) -> Any: ...


class Tx(ReadTx, Protocol):
    """A writing transaction as `tallyhouse_command`."""

    @property
    def ids(self) -> Ids: ...
    async def run(self, sql: str, params: Mapping[str, Any] | None = None) -> int:
        """Execute and return the number of rows touched."""
        ...

    async def run_many(self, sql: str, params: Sequence[Mapping[str, Any]]) -> None: ...
    async def copy(self, sql: str, types: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        """Append rows by a binary `COPY … FROM STDIN`; `types` are PostgreSQL's, column by column."""
        ...

    def emit(self, event: Event) -> None:
        """Append to the outbox of this transaction; subscribers see it after commit."""
        ...
