"""How the command line reaches the database: the running program's, or one started for the moment."""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple

from psycopg.conninfo import conninfo_to_dict

from app.migrate import require_set_up
from app.settings import Settings
from app.supervise.postgres import EmbeddedPostgres
from app.supervise.process import kept_secret
from kernel.errors import Conflict, Forbidden


class Access(NamedTuple):
    """`owner_dsn` is None where the settings give only the roles' way in."""

    owner_dsn: str | None
    app_dsn: str
    app_password: str

    def as_owner(self) -> str:
        """The owner's DSN; Forbidden when the settings name none."""
        if self.owner_dsn is None:
            raise Forbidden(
                "installation.owner_needed", rule="set TALLYHOUSE_DATABASE_URL to the owner's URL"
            )
        return self.owner_dsn


@asynccontextmanager
async def database_access(settings: Settings) -> AsyncIterator[Access]:
    """The embedded server is attached to when a program runs it, else started and stopped again."""
    password = app_password(settings)
    given = settings.database_url.get_secret_value() if settings.database_url else None
    if not settings.embedded_database:
        yield Access(given, settings.app_dsn(given, password), password)
        return
    server = EmbeddedPostgres(settings.data_dir)
    owner_dsn = await server.start()
    try:
        yield Access(owner_dsn, settings.app_dsn(owner_dsn, password), password)
    finally:
        await server.stop()


@asynccontextmanager
async def existing_access(settings: Settings) -> AsyncIterator[Access]:
    """As `database_access`, but where nothing was ever set up nothing is made. Raises Conflict then."""
    if settings.embedded_database and not EmbeddedPostgres.is_made(settings.data_dir):
        rule = f"set TALLYHOUSE_DATA_DIR to where it is; the demonstration's is {settings.data_dir / 'demo'}"
        raise Conflict("installation.nowhere", data_dir=str(settings.data_dir), rule=rule)
    async with database_access(settings) as access:
        if access.owner_dsn is not None:
            await require_set_up(access.owner_dsn)
        yield access


def app_password(settings: Settings) -> str:
    """The password of the roles' account: as set, else from their URL, else a random one kept on disk."""
    if settings.app_password is not None:
        return settings.app_password.get_secret_value()
    if settings.app_database_url is not None:
        given = conninfo_to_dict(settings.app_database_url.get_secret_value())
        return str(given.get("password") or "") or secrets.token_urlsafe(32)
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    return kept_secret(settings.data_dir / "app-password")
