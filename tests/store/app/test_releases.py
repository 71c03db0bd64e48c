"""Every release left an archive of its data; this release restores it, migrates it, and its books agree."""

import re
import secrets
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from app.audit import audit
from app.restore import read_through, restore
from app.wiring import AUDITS
from kernel.clock import ManualClock
from kernel.messages import Event

ROOT = Path(__file__).parents[3]
FIXTURES = ROOT / "tests" / "fixtures" / "releases"
RELEASES = re.findall(r"^## \[(\d+\.\d+\.\d+)\]", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.M)
PASSWORD = "for-this-run-only"


def test_every_release_left_an_archive() -> None:
    left = sorted(path.parent.name for path in FIXTURES.glob("*/backup.tar"))
    assert left == sorted(RELEASES)


@pytest.mark.parametrize("release", RELEASES)
async def test_its_data_is_restored_and_its_books_agree(
    release: str, database_server, tmp_path: Path, clock: ManualClock
) -> None:
    name = f"release_{secrets.token_hex(6)}"
    await database_server.as_owner(f"CREATE DATABASE {name}")
    target = make_conninfo(database_server.owner_dsn, dbname=name)
    try:
        sound = read_through(FIXTURES / release / "backup.tar")
        await restore(target, tmp_path, sound, clock, app_password=PASSWORD)
        app_dsn = make_conninfo(target, user="tallyhouse_app", password=PASSWORD)
        results = await audit(app_dsn, clock, AUDITS)
        assert [finding for result in results for finding in result.findings] == []
        assert sum(result.entries for result in results) > 0
        async with await psycopg.AsyncConnection.connect(target) as connection:
            row = await (await connection.execute("SELECT count(*) FROM finance.receipt")).fetchone()
            kinds = await (await connection.execute("SELECT DISTINCT kind FROM app.event")).fetchall()
        assert row is not None
        assert row[0] > 0
        assert {kind for (kind,) in kinds} <= {event.__name__ for event in Event.__subclasses__()}
    finally:
        await database_server.as_owner(f"DROP DATABASE {name} WITH (FORCE)")
