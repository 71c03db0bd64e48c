"""Pictures over HTTP: who may read one, and that it is the one that was named."""

import hashlib
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from app.desk import AppDesk
from devices.ingest.snapshots import SnapshotStore, snapshot_path
from identity.api import grant_access
from kernel.caller import Caller
from kernel.clock import ManualClock
from tests.conftest import START
from tests.http.conftest import SignIn

SITE = "site-a"
PICTURE = b"\xff\xd8 a picture \xff\xd9"
NAME = hashlib.sha256(PICTURE).hexdigest()


@pytest.fixture(scope="module")
async def folder(
    desk: AppDesk, application: httpx.ASGITransport, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Path]:
    """Where one picture of a site is kept that the keeper, the owner and the bank may see."""
    folder = tmp_path_factory.mktemp("snapshots")
    await SnapshotStore(folder, ManualClock(START), 1_000_000, timedelta(days=1)).keep(SITE, PICTURE)
    application.app.state.snapshots_dir = folder  # type: ignore[attr-defined]
    async with desk._database.write(Caller.product("test")) as tx:
        for party in ("keeper-a", "owner-a", "bank-a"):
            await grant_access(tx, party, SITE, cause="test")
    yield folder


def url(sha256: str, site: str = SITE) -> str:
    return f"/api/v1/sites/{site}/snapshots/{sha256}"


@pytest.mark.parametrize("role", ["operator", "keeper", "admin"])
async def test_people_of_the_site_read_a_picture_as_it_was_kept(
    folder: Path, sign_in: SignIn, role: str
) -> None:
    answer = await (await sign_in(role, "keeper-a")).get(url(NAME))
    assert (answer.status_code, answer.content) == (200, PICTURE)
    assert answer.headers["content-type"] == "image/jpeg"
    assert "private" in answer.headers["cache-control"]


async def test_the_bank_and_the_borrower_see_no_picture(folder: Path, sign_in: SignIn) -> None:
    for role, party in (("officer", "bank-a"), ("borrower", "owner-a"), ("auditor", "bank-a")):
        assert (await (await sign_in(role, party)).get(url(NAME))).status_code == 403


async def test_people_of_another_site_are_told_nothing(folder: Path, sign_in: SignIn) -> None:
    stranger = await sign_in("keeper", "keeper-b")
    answer = await stranger.get(url(NAME))
    assert (answer.status_code, answer.json()["key"]) == (404, "site.unknown")


@pytest.mark.parametrize("name", ["00" * 32, "x", "..%2F..%2Fetc%2Fpasswd", NAME.upper()])
async def test_what_is_not_kept_is_unknown(folder: Path, sign_in: SignIn, name: str) -> None:
    assert (await (await sign_in("keeper", "keeper-a")).get(url(name))).status_code == 404


async def test_a_picture_that_was_changed_on_disk_is_not_shown(folder: Path, sign_in: SignIn) -> None:
    path = snapshot_path(folder, SITE, NAME)
    assert path is not None
    path.write_bytes(PICTURE + b"!")
    try:
        answer = await (await sign_in("keeper", "keeper-a")).get(url(NAME))
    finally:
        path.write_bytes(PICTURE)
    assert (answer.status_code, answer.json()["key"]) == (409, "snapshots.damaged")
