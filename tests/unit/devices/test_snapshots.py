"""Pictures as evidence: named by what is in them, bounded in room and time."""

import hashlib
from datetime import timedelta
from pathlib import Path

import pytest

from devices.ingest.snapshots import SnapshotStore, snapshot_path
from kernel.clock import ManualClock
from tests.conftest import START

DAY = timedelta(days=1)


def kept(folder: Path) -> set[str]:
    return {path.stem for path in folder.glob("*/*/*.jpg")}


def name(picture: bytes) -> str:
    return hashlib.sha256(picture).hexdigest()


async def test_a_picture_lies_under_its_digest_and_only_its_owner_reads_the_folder(tmp_path: Path) -> None:
    store = SnapshotStore(tmp_path / "s", ManualClock(START), 1_000, DAY)
    assert await store.keep("site-a", b"picture") == name(b"picture")
    path = snapshot_path(tmp_path / "s", "site-a", name(b"picture"))
    assert path is not None
    assert path.read_bytes() == b"picture"
    assert path.parent.stat().st_mode & 0o077 == 0


async def test_the_oldest_goes_when_there_is_no_room_and_the_newest_always_stays(tmp_path: Path) -> None:
    clock = ManualClock(START)
    store = SnapshotStore(tmp_path, clock, 1_000, DAY)
    pictures = [bytes([n]) * 400 for n in range(4)]
    for picture in pictures:
        await store.keep("site-a", picture)
        clock.advance(1)
    assert kept(tmp_path) == {name(picture) for picture in pictures[2:]}
    await store.keep("site-b", bytes(5_000))
    assert kept(tmp_path) == {name(bytes(5_000))}


async def test_what_is_older_than_pictures_are_kept_goes_also_after_a_restart(tmp_path: Path) -> None:
    clock = ManualClock(START)
    await SnapshotStore(tmp_path, clock, 1_000, DAY).keep("site-a", b"old")
    clock.advance(DAY.total_seconds() - 1)
    again = SnapshotStore(tmp_path, clock, 1_000, DAY)
    await again.keep("site-a", b"new")
    assert kept(tmp_path) == {name(b"old"), name(b"new")}
    clock.advance(2)
    await again.keep("site-a", b"newer")
    assert kept(tmp_path) == {name(b"new"), name(b"newer")}


async def test_a_picture_that_comes_again_is_kept_once(tmp_path: Path) -> None:
    store = SnapshotStore(tmp_path, ManualClock(START), 1_000, DAY)
    assert await store.keep("site-a", b"picture") == await store.keep("site-a", b"picture")
    assert len(kept(tmp_path)) == 1


async def test_a_disk_that_takes_nothing_names_no_picture(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file where the folder should be")
    store = SnapshotStore(tmp_path / "taken", ManualClock(START), 1_000, DAY)
    assert await store.keep("site-a", b"picture") == ""


@pytest.mark.parametrize("site_id", ["", "..", "a/b", "/etc", ".hidden", "x" * 65])
async def test_a_name_that_would_lead_elsewhere_is_no_path(tmp_path: Path, site_id: str) -> None:
    assert snapshot_path(tmp_path, site_id, name(b"")) is None
    assert await SnapshotStore(tmp_path, ManualClock(START), 1_000, DAY).keep(site_id, b"picture") == ""
    assert kept(tmp_path) == set()
    assert snapshot_path(tmp_path, "site-a", "../../etc/passwd") is None
